"""Makes Recto's word model: documents to learn from, the network, its training and its honest figures."""
