"""Wrong behaviours: what each does to the answers of a library that is right."""

from __future__ import annotations

from camrig.prove.origin_faults import ORIGIN_FAULTS
from camrig.prove.preflight_faults import PREFLIGHT_FAULTS
from camrig.prove.response_faults import RESPONSE_FAULTS
from camrig.prove.run_time_faults import RUN_TIME_FAULTS

BEHAVIOUR_FAULTS = (*ORIGIN_FAULTS, *PREFLIGHT_FAULTS, *RESPONSE_FAULTS, *RUN_TIME_FAULTS)
