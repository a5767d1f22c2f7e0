"""How people reach the API: with TLS where there is a domain, else by the load balancer's own name without."""

import json

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as route53_targets
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.environments import Environment
from cdk.explaining import explain
from cdk.network import Network

# Below the 75 s for which the API keeps a connection, so that it is always this side that closes an idle one.
IDLE_TIMEOUT = Duration.seconds(60)
# What jobs call, by the API's name inside the network: from outside, a token that has leaked opens nothing there.
FOR_JOBS = "/api/v1/internal/*"
NOT_FOUND = {"reason": "not_found", "detail": "there is nothing here", "request_id": None}


class LoadBalancer(Construct):
    """`listener` is where the API's targets go; `url` what people are told."""

    def __init__(
        self, scope: Construct, name: str, environment: Environment, *, network: Network, logs: s3.IBucket
    ) -> None:
        super().__init__(scope, name)
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=network.vpc,
            vpc_subnets=network.public,
            internet_facing=True,
            idle_timeout=IDLE_TIMEOUT,
            drop_invalid_header_fields=True,
            deletion_protection=environment.is_kept,
        )
        self.balancer.log_access_logs(logs, "api")
        certificate = self._certificate(environment)
        if certificate is None:
            self.listener = self.balancer.add_listener("Http", port=80, protocol=elb.ApplicationProtocol.HTTP)
            self.url = f"http://{self.balancer.load_balancer_dns_name}"
        else:
            self.listener = self.balancer.add_listener(
                "Https", port=443, certificates=[certificate], ssl_policy=elb.SslPolicy.TLS13_RES
            )
            self.balancer.add_redirect()
            self.url = f"https://{environment.domain}"
        self.listener.add_action(
            "ForJobs",
            priority=1,
            conditions=[elb.ListenerCondition.path_patterns([FOR_JOBS])],
            action=elb.ListenerAction.fixed_response(
                404, content_type="application/json", message_body=json.dumps(NOT_FOUND)
            ),
        )
        explain(self.balancer, {"EC23": "People's browsers reach the API from anywhere; each call carries a token."})

    def _certificate(self, environment: Environment) -> acm.ICertificate | None:
        """An existing one, or one for the domain, whose zone then gets the domain's record too."""
        if environment.certificate_arn is not None:
            return acm.Certificate.from_certificate_arn(self, "Certificate", environment.certificate_arn)
        if environment.hosted_zone_id is None or environment.domain is None:
            return None
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self,
            "Zone",
            hosted_zone_id=environment.hosted_zone_id,
            # Records are written with their whole name, so the domain itself does.
            zone_name=environment.domain,
        )
        route53.ARecord(
            self,
            "Record",
            zone=zone,
            target=route53.RecordTarget.from_alias(route53_targets.LoadBalancerTarget(self.balancer)),
        )
        return acm.Certificate(
            self,
            "Certificate",
            domain_name=environment.domain,
            validation=acm.CertificateValidation.from_dns(zone),
        )
