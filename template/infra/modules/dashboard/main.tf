# A dashboard of CloudWatch: every alarm on top, then sections with a heading and rows of widgets below it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  # The grid has 24 columns.
  alarms_height = length(var.alarm_names) > 16 ? 5 : 2
  row_height    = 6

  # The ARNs are built from names instead of read from the alarms, so that a plan shows the whole dashboard.
  alarm_arns = [for name in var.alarm_names : "arn:${data.aws_partition.current.partition}:cloudwatch:${var.region}:${data.aws_caller_identity.current.account_id}:alarm:${name}"]

  tops = [
    for index, section in var.sections :
    local.alarms_height + sum(concat([0], [for before in slice(var.sections, 0, index) : 1 + local.row_height * length(before.rows)]))
  ]

  headings = [
    for index, section in var.sections : { type = "text", x = 0, y = local.tops[index], width = 24, height = 1, properties = { markdown = "## ${section.title}", background = "transparent" } }
  ]

  widgets = flatten([
    for index, section in var.sections : [
      for row, widgets in section.rows : [
        for place, widget in widgets : {
          type       = widget.type
          x          = place * floor(24 / length(widgets))
          y          = local.tops[index] + 1 + row * local.row_height
          width      = floor(24 / length(widgets))
          height     = local.row_height
          properties = merge({ title = widget.title, region = var.region }, widget.properties)
        }
      ]
    ]
  ])

  alarms = { type = "alarm", x = 0, y = 0, width = 24, height = local.alarms_height, properties = { title = "Alarms", alarms = local.alarm_arns, sortBy = "stateUpdatedTimestamp" } }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ periodOverride = "inherit", widgets = concat([local.alarms], local.headings, local.widgets) })
}
