"""Traffic for trying canaries where there are no visitors: journeys through the gateway."""
