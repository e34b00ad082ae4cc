"""Other ways to reach people than WhatsApp: for what it does not deliver, and for farms without it."""
