from collar.app import main

main()
