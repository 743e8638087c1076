"""CloudWatch: composite alarms, which moto keeps but does not take, and saved queries of CloudWatch Logs."""

import json
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.logs.responses import LogsResponse

from tests.infrastructure.cloud.additions import adds_to, held, identifier

_SUPPRESSOR = {
    "ActionsSuppressor": "actions_suppressor",
    "ActionsSuppressorWaitPeriod": "actions_suppressor_wait_period",
    "ActionsSuppressorExtensionPeriod": "actions_suppressor_extension_period",
}


@adds_to(CloudWatchResponse)
def put_composite_alarm(self: Any) -> Any:
    answer = self.put_metric_alarm()
    alarm = self.cloudwatch_backend.alarms[self._get_param("AlarmName")]
    alarm.alarm_rule = alarm.rule
    for parameter, attribute in _SUPPRESSOR.items():
        if (value := self._get_param(parameter)) is not None:
            setattr(alarm, attribute, value)
    return answer


@adds_to(LogsResponse)
def put_query_definition(self: Any) -> str:
    given = json.loads(self.body)
    made = {"queryDefinitionId": given.get("queryDefinitionId") or identifier(), "name": given["name"], "queryString": given["queryString"]}
    held(self.logs_backend, "query")[made["queryDefinitionId"]] = {**made, "logGroupNames": given.get("logGroupNames", [])}
    return json.dumps({"queryDefinitionId": made["queryDefinitionId"]})


@adds_to(LogsResponse)
def describe_query_definitions(self: Any) -> str:
    prefix = json.loads(self.body).get("queryDefinitionNamePrefix", "")
    found = [query for query in held(self.logs_backend, "query").values() if query["name"].startswith(prefix)]
    return json.dumps({"queryDefinitions": found})


@adds_to(LogsResponse)
def delete_query_definition(self: Any) -> str:
    held(self.logs_backend, "query").pop(json.loads(self.body)["queryDefinitionId"], None)
    return json.dumps({"success": True})
