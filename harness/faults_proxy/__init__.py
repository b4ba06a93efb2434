"""The add-on of mitmproxy that makes faults; it runs in mitmproxy's environment, without the harness."""
