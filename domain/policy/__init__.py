"""The sections of a policy, one file each; `domain.programme` puts them together."""
