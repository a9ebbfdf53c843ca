"""Checks that are counted; those that fail are told."""


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, condition, what, detail=""):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED  {what} {detail}", flush=True)

    def refused(self, call, what, refusal):
        """The call ends with that exception."""
        try:
            call()
        except refusal:
            self.check(True, what)
        else:
            self.check(False, what, "accepted")
