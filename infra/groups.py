"""How a consumer joins its group without being left there with nothing to do."""

from kafka import ConsumerRebalanceListener, KafkaConsumer


class TopicUnknown(RuntimeError):
    """The brokers know no such topic. Every role makes the topics first; look into its log."""


def subscribe(consumer: KafkaConsumer, topic: str, listener: ConsumerRebalanceListener) -> None:
    """Subscribe, and learn the topic's partitions before the first poll joins the group.

    The client may otherwise join while an older request for metadata is under way, whose answer does not have the
    topic: it then leads the group, shares out no partitions, and does not look again for five minutes.
    """
    consumer.subscribe([topic], listener=listener)
    if not consumer.partitions_for_topic(topic):
        raise TopicUnknown(topic)
