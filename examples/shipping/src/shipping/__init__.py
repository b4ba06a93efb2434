"""Shipping: what an order weighs, and the label of its parcel."""
