"""Messages to people, by e-mail and text message: what they say, the outbox that they wait in, and how they leave."""
