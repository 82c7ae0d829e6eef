"""Fingerprints of video: containers, decoding, which frames are kept; FFmpeg through PyAV, kept on a short lead."""
