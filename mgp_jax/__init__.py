"""Multi-Code GAN Prior in JAX: restore and edit real images with a trained, frozen GAN."""
