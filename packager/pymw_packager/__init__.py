"""Builds BOINC app versions: launcher, worker and, where wanted, a compressed interpreter."""
