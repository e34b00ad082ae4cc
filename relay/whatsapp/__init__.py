"""WhatsApp: what is said (texts, bodies), how it leaves (client, dispatcher), what comes back (webhook)."""
