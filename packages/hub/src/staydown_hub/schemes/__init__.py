"""The law packs: schemes of classification as data, and the catalogue of those that this hub knows."""
