"""What tests share: services, clients, packages, plugins, waiting. Nothing here is a test."""
