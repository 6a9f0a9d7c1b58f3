"""The Celery application of the scenario: what the worker runs and the test calls."""

import os

from celery import Celery
from celery.exceptions import Reject
from kombu import Exchange, Queue

DEAD = Queue("c.dead", Exchange("c.dlx", "fanout"), routing_key="")
WORK = Queue(
    "c.work", Exchange("c.work", "direct"), routing_key="c.work", queue_arguments={"x-dead-letter-exchange": "c.dlx"}
)
PRIORITY = Queue(
    "c.priority", Exchange("c.priority", "direct"), routing_key="c.priority", queue_arguments={"x-max-priority": 9}
)
TOPIC = Queue("c.topic", Exchange("c.topic", "topic"), routing_key="orders.#")

app = Celery("shop", broker=os.environ["AMQP_URL"], backend="rpc://")
app.conf.update(
    task_queues=[WORK, PRIORITY, TOPIC],
    task_default_queue="c.work",
    task_default_exchange="c.work",
    task_default_routing_key="c.work",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    result_expires=60,
)

ran_order = []


@app.task
def add(a, b):
    return a + b


@app.task(bind=True, max_retries=3, default_retry_delay=0.1)
def flaky(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0.1)
    return self.request.retries


@app.task(bind=True)
def refuse(self):
    raise Reject("not this one", requeue=False)


@app.task
def note(value):
    ran_order.append(value)


@app.task
def noted():
    return list(ran_order)


@app.task
def fail(text):
    raise ValueError(text)
