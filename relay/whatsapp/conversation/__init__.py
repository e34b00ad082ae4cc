"""What a farmer's message does and what is answered."""

from relay.whatsapp.conversation.talk import Conversation

__all__ = ["Conversation"]
