# DNS failover, once a second platform is set: Route 53 answers with the first region while its health check passes, and with the second
# otherwise. external-dns writes the first record from annotations of the Ingress, whose values are in the contract. Terraform writes the
# second record, because deploys of this environment do not reach that region.

data "aws_ssm_parameter" "dr_platform" {
  provider = aws.dr_region
  for_each = toset(var.dr_platform == "" ? [] : [var.dr_platform])

  name = "/platform/${each.key}/${var.environment}/contract"

  lifecycle {
    postcondition {
      condition     = try(jsondecode(self.insecure_value).version, 0) == 1 && try(jsondecode(self.insecure_value).region, "") == var.dr_region
      error_message = "The contract of platform ${each.key} is not of version 1, or not for ${var.dr_region}."
    }
  }
}

locals {
  dr_platforms = { for name, parameter in data.aws_ssm_parameter.dr_platform : name => jsondecode(parameter.insecure_value) }

  # Annotations that the deploy sets on the Ingress; an empty value adds none.
  dns_failover = {
    dns_failover        = var.dr_platform == "" ? "" : "PRIMARY"
    dns_set_identifier  = var.dr_platform == "" ? "" : var.region
    dns_health_check_id = one(concat([for check in aws_route53_health_check.this : check.id], var.dr_platform == "" ? [""] : []))
  }
}

# A region is healthy while pods of the API run. Missing data is breaching, because CloudWatch fails with the region.
resource "aws_cloudwatch_metric_alarm" "pods" {
  for_each = local.dr_platforms

  alarm_name          = "${local.name}-pods"
  alarm_description   = "[critical] No pod of the API runs: Route 53 answers with ${var.dr_region}. Owner: ${var.team} (${var.owner_email}). Runbook: ${var.runbooks_url}/lost-region.md"
  namespace           = "ContainerInsights"
  metric_name         = "service_number_of_running_pods"
  dimensions          = { ClusterName = local.platform.cluster_name, Namespace = var.service, Service = "api" }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [module.sns_topic.arn]
  ok_actions          = [module.sns_topic.arn]
}

resource "aws_route53_health_check" "this" {
  for_each = aws_cloudwatch_metric_alarm.pods

  type                            = "CLOUDWATCH_METRIC"
  cloudwatch_alarm_name           = each.value.alarm_name
  cloudwatch_alarm_region         = var.region
  insufficient_data_health_status = "Unhealthy"

  tags = { Name = local.name }
}

data "aws_lb" "dr" {
  provider = aws.dr_region
  for_each = toset(var.dr_load_balancer == "" ? [] : [var.dr_load_balancer])

  name = each.key
}

resource "aws_route53_record" "dr" {
  for_each = data.aws_lb.dr

  zone_id        = module.domain[var.domain].zone_id
  name           = var.domain
  type           = "A"
  set_identifier = var.dr_region

  failover_routing_policy {
    type = "SECONDARY"
  }

  alias {
    name                   = data.aws_lb.dr[each.key].dns_name
    zone_id                = data.aws_lb.dr[each.key].zone_id
    evaluate_target_health = true
  }
}
