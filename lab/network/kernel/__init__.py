"""Networks in the kernel: namespaces, the links between them, and what is handed out on them."""
