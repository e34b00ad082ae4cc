"""What makes the committed models out of the packs: `python -m relay.training`. Needs the extra `train`."""
