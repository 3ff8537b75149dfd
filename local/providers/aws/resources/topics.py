"""SNS topics, their policies and subscriptions; channels of Slack and Teams that follow a topic."""

from __future__ import annotations

from local.providers.aws import checks, hooks_topics
from local.providers.aws.table import Call, Row, Tagging, UpdateCall

_ATTRIBUTES = Call("get_topic_attributes", {"TopicArn": "$id"}, "Attributes")
TOPIC = Row(
    token="aws:sns/topic:Topic",
    service="sns",
    create=None,
    make=hooks_topics.make_topic,
    read=_ATTRIBUTES,
    delete=(Call("delete_topic", {"TopicArn": "$id"}),),
    name_prop="name",
    names=dict.fromkeys(("name", "kmsMasterKeyId", "displayName")),
    updatable=("kmsMasterKeyId", "displayName"),
    on_update=hooks_topics.change_topic,
    observe=hooks_topics.observe_topic,
    tagging=Tagging({"ResourceArn": "$id"}, read=Call("list_tags_for_resource", {"ResourceArn": "$id"}, "Tags")),
)

_POLICY = {"TopicArn": "$arn", "AttributeName": "Policy"}
TOPIC_POLICY = Row(
    token="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    create=Call("set_topic_attributes", {"AttributeName": "Policy"}),
    id="{arn}",
    id_is_template=True,
    read=_ATTRIBUTES,
    # The provider gives the topic SNS' own policy back (internal/service/sns/topic_policy.go).
    delete=(),
    before_delete=hooks_topics.own_policy_again,
    names={"arn": "TopicArn", "policy": "AttributeValue"},
    live={"arn": "TopicArn", "policy": "Policy", "owner": "Owner"},
    changes=(UpdateCall(("policy",), Call("set_topic_attributes", {**_POLICY, "AttributeValue": "$policy"})),),
    observe=hooks_topics.observe_topic_policy,
    checks=(checks.json_document("policy"),),
)

SUBSCRIPTION = Row(
    token="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    create=Call("subscribe", {"ReturnSubscriptionArn": True}),
    id="SubscriptionArn",
    read=Call("get_subscription_attributes", {"SubscriptionArn": "$id"}, "Attributes"),
    delete=(Call("unsubscribe", {"SubscriptionArn": "$id"}),),
    names={"topic": "TopicArn", "endpointAutoConfirms": None, "confirmationTimeoutInMinutes": None},
    live={"topic": "TopicArn", "arn": "SubscriptionArn", "ownerId": "Owner"},
    updatable=("endpointAutoConfirms", "confirmationTimeoutInMinutes"),
    unread=("endpointAutoConfirms", "confirmationTimeoutInMinutes"),
)

_SHARED = ("guardrailPolicyArns", "iamRoleArn", "loggingLevel", "snsTopicArns", "userAuthorizationRequired")
_TAGGING = Tagging(
    {"ResourceARN": "$id"}, read=Call("list_tags_for_resource", {"ResourceARN": "$id"}, "Tags"), at="Tags"
)
_DEFAULTS = {"loggingLevel": "NONE", "userAuthorizationRequired": False}


def _chat(token: str, word: str, read: Call, channel: tuple[str, ...], fixed: tuple[str, ...]) -> Row:
    """The API's update takes no other name, workspace or team, and the provider sends them as updates all the same."""
    configuration = {"ChatConfigurationArn": "$id"}
    update = Call(f"update_{word}", configuration)
    return Row(
        token=token,
        service="chatbot",
        create=Call(f"create_{word}"),
        id="ChannelConfiguration.ChatConfigurationArn",
        read=read,
        delete=(Call(f"delete_{word}", configuration),),
        names={"timeouts": None},
        changes=(UpdateCall((*channel, *_SHARED), update, together=True),),
        updatable=fixed,
        on_update=hooks_topics.refuse_what_no_update_takes(fixed),
        defaults=_DEFAULTS,
        tagging=_TAGGING,
        ordered=("guardrailPolicyArns",),
    )


SLACK_CHANNEL = _chat(
    "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
    "slack_channel_configuration",
    Call("describe_slack_channel_configurations", {"ChatConfigurationArn": "$id"}, "SlackChannelConfigurations[0]"),
    ("slackChannelId",),
    ("configurationName", "slackTeamId"),
)
# Of two in one team the original finds neither (findTeamsChannelConfigurationByTeamID).
TEAMS_CHANNEL = _chat(
    "aws:chatbot/teamsChannelConfiguration:TeamsChannelConfiguration",
    "microsoft_teams_channel_configuration",
    Call(
        "list_microsoft_teams_channel_configurations",
        {"TeamId": "$teamId"},
        "TeamChannelConfigurations[?length(@) == `0` || ChatConfigurationArn == '$id'] | [0]",
    ),
    ("channelId", "channelName"),
    ("configurationName", "teamId", "tenantId", "teamName"),
)

ROWS = (TOPIC, TOPIC_POLICY, SUBSCRIPTION, SLACK_CHANNEL, TEAMS_CHANNEL)
