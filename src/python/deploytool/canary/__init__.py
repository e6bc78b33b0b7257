"""The canary's judgement and state machine: pure functions of counts and times, without I/O."""
