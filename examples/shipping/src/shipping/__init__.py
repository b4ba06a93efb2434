"""Shipping: the weight of an order, and the label of its parcel."""
