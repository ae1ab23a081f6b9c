"""The review page: rules propose, a curator decides. See docs/review.md.

``server`` starts it, ``guard`` keeps strangers out, ``app`` holds the routes, ``queues`` orders what needs a person,
``items`` gathers everything known about one panel, ``words`` turns what the page sends into decisions.
"""
