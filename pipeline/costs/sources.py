"""Where each price was read, and when; what is assumed says so. None was billed to this project.

AWS's own pages draw their tables by script, so most were read where others quote them.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Source:
    """Of the constants of `services`, or the columns of `prices`, in `prices`."""

    prices: tuple[str, ...]
    said_by: str
    dated: str
    remark: str = ""


UNDATED: Final = "no date"

SOURCES: Final[tuple[Source, ...]] = (
    Source(
        ("on_demand_usd_per_h",),
        "price tables for us-east-1 in public repositories, which agree",
        UNDATED,
        "g5.xlarge also factualminds.com, Amazon EC2 On-Demand pricing, 2026-06-17",
    ),
    Source(
        ("spot_usd_per_h",),
        "no list has them: assumed, about 40 % of on demand; AWS shows those of now on aws.amazon.com/ec2/spot/pricing",
        "mid-2026",
        "a public repository calls 0.40 typical for g5.xlarge, 0.35 for g6.xlarge (eu-west-1, mid-2026); another prints"
        " 0.1974 for g4dn.xlarge, 30 % of on demand, as DescribeSpotPriceHistory said it (eu-central-1, 2022-06-10)",
    ),
    Source(("POSTGRES_USD_PER_H",), "infratally.com, AWS RDS pricing explained", "2026"),
    Source(("POSTGRES_USD_PER_GB",), "usage.ai, RDS pricing calculator (gp3)", "2026-06"),
    Source(
        ("CACHE_USD_PER_H",),
        "the AWS Price List API (AmazonElastiCache, Valkey), as a public repository quotes it",
        "2026-10-02",
    ),
    Source(
        ("FARGATE_USD_PER_VCPU_H", "FARGATE_USD_PER_GIB_H"),
        "wring.co, AWS Fargate pricing (Linux on x86)",
        "2026-03-10",
    ),
    Source(("ENDPOINT_USD_PER_H",), "awsnegotiations.com, AWS PrivateLink cost analysis", "2026-05"),
    Source(
        ("BALANCER_USD_PER_H",),
        "aws.amazon.com/elasticloadbalancing/pricing, as api-evangelist transcribed it",
        "2026-09-20",
        "its capacity units, $0.008 each and hour, are left out: hundreds of watchers are a part of one",
    ),
    Source(
        ("PUBLIC_ADDRESS_USD_PER_H",),
        "AWS's price list, as the wiki of ChiefGyk3D/Clouds-Against-Humanity quotes it",
        "2026-10-16",
    ),
    Source(("SECRET_USD",), "hivebook.wiki, AWS Secrets Manager", UNDATED),
    Source(("LOGS_USD_PER_GB",), "factualminds.com, Amazon CloudWatch pricing", "2026-06-13"),
    Source(("METRIC_USD",), "signoz.io, CloudWatch pricing (the first 10,000)", "2026-02-15"),
    Source(
        ("ALARM_METRIC_USD",),
        "aws.amazon.com/cloudwatch/pricing, as api-evangelist transcribed it",
        "2026-05-05",
        "ten are free in an account",
    ),
    Source(("DASHBOARD_USD",), "github.com/nishinoshake/aws-rough, issue 37", "2022-04-29"),
    Source(("KEY_USD",), "gist.github.com/dasgoll, KMS pricing example", "2019-10-30"),
    Source(
        ("PUTS_USD_PER_THOUSAND",),
        "AWS's price list of S3, Requests-Tier1, as a public repository quotes it",
        "2026-09-28",
    ),
    Source(("OBJECTS_USD_PER_GB",), "gist.github.com/EverettBerry (S3 Standard, the first 50 TB)", UNDATED),
    Source(
        ("MANAGED_USD_PER_SOURCE_H",),
        "a public note of aws.amazon.com/mediaconvert/pricing: $0.015 a minute of SD, $0.03 of HD, above 30 pictures/s",
        "2021-01-23",
        "taken as half of that up to 30: a rung of HD and two of SD are $1.80; five rungs, two of HD, would be $3.15",
    ),
)
