"""List prices of what runs, or is kept, whether or not there is work: US dollars, us-east-1, as AWS publishes them.

They stand on aws.amazon.com/{rds,elasticache,fargate,privatelink,elasticloadbalancing,secrets-manager,
cloudwatch,kms,s3,vpc,mediaconvert}/pricing; `sources` says where each was read, and when.
`AS_OF` is when that was looked up.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

AS_OF: Final = date(2026, 11, 21)
HOURS_A_MONTH: Final = 730.0

# RDS for PostgreSQL, by instance class: in one zone, an hour. In two zones both machine and disk are billed twice.
POSTGRES_USD_PER_H: Final[Mapping[str, float]] = MappingProxyType({"t4g.small": 0.032, "t4g.medium": 0.065})
POSTGRES_USD_PER_GB: Final = 0.115
# ElastiCache for Valkey, a node and hour.
CACHE_USD_PER_H: Final[Mapping[str, float]] = MappingProxyType({"cache.t4g.micro": 0.0128, "cache.t4g.small": 0.0256})
# Fargate on x86.
FARGATE_USD_PER_VCPU_H: Final = 0.04048
FARGATE_USD_PER_GIB_H: Final = 0.004445
# An interface endpoint in one zone; a NAT gateway instead of all of them.
ENDPOINT_USD_PER_H: Final = 0.01
BALANCER_USD_PER_H: Final = 0.0225
PUBLIC_ADDRESS_USD_PER_H: Final = 0.005
SECRET_USD: Final = 0.40
KEY_USD: Final = 1.00
LOGS_USD_PER_GB: Final = 0.50
# For each metric that an alarm watches.
ALARM_METRIC_USD: Final = 0.10
METRIC_USD: Final = 0.30
# A page of more than 50 metrics is not among the three that are free.
DASHBOARD_USD: Final = 3.00
# S3 Standard: a month, and PUT requests.
OBJECTS_USD_PER_GB: Final = 0.023
PUTS_USD_PER_THOUSAND: Final = 0.005

# AWS Elemental MediaConvert for a ladder like ours: what an hour of source costs there, about.
MANAGED_USD_PER_SOURCE_H: Final = 1.80
