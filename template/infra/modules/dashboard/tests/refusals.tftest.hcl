# Refusals of this module, and a plan that it accepts.

mock_provider "aws" {
  source = "../../testing"
}

variables {
  name        = "shop-dev"
  region      = "ap-southeast-1"
  alarm_names = ["shop-dev-errors"]

  sections = [
    { title = "Users", rows = [[{ type = "metric", title = "Requests", properties = { metrics = [] } }]] },
    { title = "Data", rows = [[{ type = "text", title = "a", properties = {} }, { type = "text", title = "b", properties = {} }]] },
  ]
}

run "right_values_plan" {
  command = plan

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [widget.x, widget.y]] == [[0, 0], [0, 2], [0, 9], [0, 3], [0, 10], [12, 10]]
    error_message = "Widgets stand below the heading of their section, side by side."
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    alarm_names = []
    sections    = [{ title = "Users", rows = [[]] }]
  }

  expect_failures = [var.alarm_names, var.sections]
}

run "an_unknown_widget_is_refused" {
  command = plan

  variables {
    sections = [{ title = "Users", rows = [[{ type = "chart", title = "a", properties = {} }]] }]
  }

  expect_failures = [var.sections]
}
