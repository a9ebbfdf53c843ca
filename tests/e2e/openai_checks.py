"""What a user of the OpenAI client library relies on. Run by tests/suites/openai with a service under REDOUBT_URL."""
import os
import ssl
import sys
import threading
import time
import traceback

import openai

MODEL = os.environ["REDOUBT_MODEL"]
QUESTION = [{"role": "user", "content": "What is Redoubt?"}]
CHECKS = []


def make_client(**options):
    context = ssl.create_default_context(cafile=os.environ["REDOUBT_CA"])
    return openai.OpenAI(base_url=os.environ["REDOUBT_URL"] + "/v1",
                         **{"api_key": os.environ["REDOUBT_API_KEY"], "max_retries": 0, "timeout": 120,
                            "http_client": openai.DefaultHttpxClient(verify=context), **options})


client = make_client()


def check(function):
    CHECKS.append(function)
    return function


def chat(**options):
    return client.chat.completions.create(**{"model": MODEL, "messages": QUESTION, "max_tokens": 16, "temperature": 0,
                                             **options})


def complete(**options):
    return client.completions.create(**{"model": MODEL, "prompt": "Redoubt is", "max_tokens": 8, "temperature": 0,
                                        **options})


def expect_error(kind, status, call, param=None, code=None):
    try:
        call()
    except openai.APIStatusError as error:
        assert type(error) is kind, f"raised {type(error).__name__}"
        assert error.status_code == status, error.status_code
        assert error.param == param, error.param
        assert error.code == code, error.code
        assert error.request_id and error.request_id.startswith("req-"), error.request_id
        assert error.type in ("invalid_request_error", "server_error"), error.type
        return error
    raise AssertionError("nothing was raised")


def stream_text(chunks, choice=0):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices and c.choices[0].index == choice)


# ---- models -------------------------------------------------------------------------------------

@check
def models_are_listed():
    models = client.models.list().data
    assert [m.id for m in models] == [MODEL] and models[0].object == "model" and models[0].created > 0


@check
def a_model_is_retrieved():
    assert client.models.retrieve(MODEL).id == MODEL


@check
def an_unknown_model_is_not_found():
    expect_error(openai.NotFoundError, 404, lambda: client.models.retrieve("nothing"), "model", "model_not_found")


# ---- chat ---------------------------------------------------------------------------------------

@check
def chat_answers():
    answer = chat()
    choice = answer.choices[0]
    assert answer.id.startswith("chatcmpl-") and answer.object == "chat.completion" and answer.model == MODEL
    assert abs(answer.created - time.time()) < 300
    assert choice.message.role == "assistant" and choice.message.content and choice.index == 0
    assert choice.finish_reason in ("stop", "length") and choice.logprobs is None


@check
def usage_adds_up():
    usage = chat().usage
    assert usage.prompt_tokens > 0 and 0 < usage.completion_tokens <= 16
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 0 <= usage.prompt_tokens_details.cached_tokens <= usage.prompt_tokens


@check
def a_stream_joins_to_the_whole_answer():
    assert stream_text(list(chat(stream=True))) == chat().choices[0].message.content


@check
def a_stream_begins_with_the_role_and_ends_with_the_finish():
    chunks = list(chat(stream=True))
    assert chunks[0].choices[0].delta.role == "assistant" and chunks[0].choices[0].delta.content == ""
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    assert all(c.choices[0].finish_reason is None for c in chunks[:-1])
    assert chunks[-1].choices[0].delta.content is None


@check
def a_stream_keeps_its_id_and_time():
    chunks = list(chat(stream=True))
    assert len({(c.id, c.created, c.model, c.object) for c in chunks}) == 1


@check
def a_stream_has_usage_only_when_asked():
    assert all(c.usage is None for c in chat(stream=True))
    chunks = list(chat(stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens > 0
    assert all(c.usage is None for c in chunks[:-1])


@check
def stream_usage_equals_whole_usage():
    chunks = list(chat(stream=True, stream_options={"include_usage": True}))
    whole = chat().usage
    assert chunks[-1].usage.prompt_tokens == whole.prompt_tokens
    assert chunks[-1].usage.completion_tokens == whole.completion_tokens


@check
def temperature_zero_repeats():
    assert chat().choices[0].message.content == chat().choices[0].message.content


@check
def max_tokens_ends_with_length():
    answer = chat(max_tokens=3, extra_body={"ignore_eos": True})
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 3


@check
def max_completion_tokens_means_the_same():
    answer = chat(max_tokens=openai.omit, max_completion_tokens=3, extra_body={"ignore_eos": True})
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 3


@check
def a_stop_string_ends_and_is_withheld():
    text = chat(max_tokens=32).choices[0].message.content
    stop = text[4:7]
    answer = chat(max_tokens=32, stop=stop)
    assert answer.choices[0].message.content == text[:text.index(stop)]
    assert answer.choices[0].finish_reason == "stop"


@check
def the_first_of_several_stop_strings_ends():
    text = chat(max_tokens=32).choices[0].message.content
    assert chat(max_tokens=32, stop=["\0never", text[3:6]]).choices[0].message.content == text[:text.index(text[3:6])]


@check
def a_stop_string_ends_a_stream_too():
    stop = chat(max_tokens=32).choices[0].message.content[4:7]
    whole = chat(max_tokens=32, stop=stop).choices[0].message.content
    assert stream_text(list(chat(max_tokens=32, stop=stop, stream=True))) == whole


@check
def n_gives_that_many_choices():
    answer = chat(n=3, seed=7, temperature=1.5, max_tokens=12)
    assert [c.index for c in answer.choices] == [0, 1, 2]
    assert answer.usage.completion_tokens <= 36


@check
def the_same_seed_repeats_all_choices():
    texts = [[c.message.content for c in chat(n=3, seed=7, temperature=1.5).choices] for _ in range(2)]
    assert texts[0] == texts[1]


@check
def different_seeds_differ():
    texts = {chat(seed=seed, temperature=2.0, max_tokens=24).choices[0].message.content for seed in range(8)}
    assert len(texts) > 1


@check
def a_stream_of_n_choices_equals_the_whole():
    whole = [c.message.content for c in chat(n=3, seed=7, temperature=1.5).choices]
    chunks = list(chat(n=3, seed=7, temperature=1.5, stream=True))
    assert [stream_text(chunks, choice) for choice in range(3)] == whole


@check
def chat_logprobs_match_the_text():
    choice = chat(logprobs=True, top_logprobs=5).choices[0]
    tokens = choice.logprobs.content
    assert tokens and all(t.logprob <= 0 and len(t.top_logprobs) == 5 for t in tokens)
    joined = b"".join(bytes(t.bytes) for t in tokens).decode(errors="replace")
    assert joined.startswith(choice.message.content) or choice.message.content.startswith(joined.rstrip("\ufffd"))


@check
def greedy_takes_the_top_logprob():
    for token in chat(logprobs=True, top_logprobs=3).choices[0].logprobs.content:
        assert token.token == token.top_logprobs[0].token
        assert [t.logprob for t in token.top_logprobs] == sorted((t.logprob for t in token.top_logprobs), reverse=True)


@check
def streamed_logprobs_equal_the_whole():
    whole = [(t.token, t.logprob) for t in chat(logprobs=True).choices[0].logprobs.content]
    streamed = [(t.token, t.logprob) for c in chat(logprobs=True, stream=True) if c.choices and c.choices[0].logprobs
                for t in c.choices[0].logprobs.content]
    assert streamed == whole


@check
def logit_bias_bans_a_token():
    first = complete(max_tokens=1, logprobs=1).choices[0].logprobs.tokens[0]
    for token in range(4000):
        try:
            biased = complete(max_tokens=1, logit_bias={str(token): 100}, logprobs=1).choices[0].logprobs.tokens[0]
        except openai.BadRequestError:
            break
        if biased != first:
            return
    raise AssertionError("no bias changed the first token")


@check
def content_parts_mean_their_text():
    parts = [{"role": "user", "content": [{"type": "text", "text": QUESTION[0]["content"]}]}]
    assert chat(messages=parts).choices[0].message.content == chat().choices[0].message.content


@check
def developer_means_system():
    def ask(role):
        return chat(messages=[{"role": role, "content": "Be brief."}] + QUESTION).choices[0].message.content
    assert ask("developer") == ask("system")


@check
def an_answer_can_be_given_back():
    message = chat().choices[0].message
    more = chat(messages=QUESTION + [message, {"role": "user", "content": "And then?"}])
    assert more.choices[0].message.content is not None


# ---- completions --------------------------------------------------------------------------------

@check
def completions_answer():
    answer = complete()
    assert answer.id.startswith("cmpl-") and answer.object == "text_completion" and answer.choices[0].text
    assert answer.usage.completion_tokens <= 8


@check
def completions_stream_the_same():
    assert "".join(c.choices[0].text for c in complete(stream=True)) == complete().choices[0].text


@check
def completions_take_several_prompts():
    answer = complete(prompt=["Redoubt is", "The engine"], n=2, seed=3, temperature=1.0)
    assert [c.index for c in answer.choices] == [0, 1, 2, 3]


@check
def several_prompts_answer_as_each_alone():
    texts = [c.text for c in complete(prompt=["Redoubt is", "The engine"]).choices]
    assert texts == [complete(prompt=p).choices[0].text for p in ("Redoubt is", "The engine")]


@check
def completions_take_tokens():
    assert complete(prompt=[1, 2, 3]).usage.prompt_tokens == 3


@check
def completion_logprobs_have_offsets():
    choice = complete(logprobs=3).choices[0]
    lists = choice.logprobs
    assert len(lists.tokens) == len(lists.token_logprobs) == len(lists.top_logprobs) == len(lists.text_offset) > 0
    assert lists.text_offset == sorted(lists.text_offset) and all(len(top) <= 4 for top in lists.top_logprobs)


@check
def echo_gives_the_prompt_back_with_logprobs():
    choice = complete(echo=True, logprobs=1).choices[0]
    assert choice.text.startswith("Redoubt is") or "Redoubt is" in choice.text
    assert choice.logprobs.token_logprobs[0] is None and choice.logprobs.text_offset[0] == 0


# ---- errors -------------------------------------------------------------------------------------

@check
def an_unknown_field_is_a_bad_request():
    expect_error(openai.BadRequestError, 400, lambda: chat(extra_body={"surprise": 1}), "surprise", "unknown_parameter")


@check
def an_unsupported_field_is_a_bad_request():
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    expect_error(openai.BadRequestError, 400, lambda: chat(tools=[tool]), "tools", "unsupported_parameter")


@check
def a_value_out_of_range_is_a_bad_request():
    expect_error(openai.BadRequestError, 400, lambda: chat(temperature=2.5), "temperature", "invalid_value")


@check
def a_wrong_type_is_a_bad_request():
    expect_error(openai.BadRequestError, 400, lambda: chat(n="two"), "n", "invalid_type")


@check
def a_wrong_key_is_an_authentication_error():
    stranger = make_client(api_key="rdk_000000000000_" + "0" * 64)
    expect_error(openai.AuthenticationError, 401, stranger.models.list, None, "invalid_api_key")


@check
def another_model_is_not_found():
    expect_error(openai.NotFoundError, 404, lambda: chat(model="gpt-4o"), "model", "model_not_found")


@check
def a_prompt_over_the_context_says_so():
    error = None
    try:
        complete(prompt="word " * 60_000)
    except openai.BadRequestError as raised:
        error = raised
    assert error is not None and error.code == "context_length_exceeded", error


@check
def a_body_over_the_limit_is_413():
    try:
        complete(prompt="a" * (9 << 20))
    except openai.APIStatusError as error:
        assert error.status_code == 413, error.status_code
        return
    raise AssertionError("nothing was raised")


@check
def an_unknown_route_is_not_found():
    expect_error(openai.NotFoundError, 404, lambda: client.embeddings.create(model=MODEL, input="a"))


# ---- living together ----------------------------------------------------------------------------

@check
def a_stream_left_in_the_middle_harms_nobody():
    stream = chat(stream=True, max_tokens=200, extra_body={"ignore_eos": True})
    for _ in range(3):
        next(iter(stream))
    stream.close()
    assert chat().choices[0].message.content


@check
def eight_at_once_answer_as_one_alone():
    alone = chat().choices[0].message.content
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(chat().choices[0].message.content)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [alone] * 8


def main():
    failed = 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok      {name}", flush=True)
        except Exception:  # noqa: BLE001: whatever goes wrong is this check's failure, and the next one runs
            failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc(limit=-3)}", flush=True)
    print(f"openai: {len(CHECKS) - failed} of {len(CHECKS)} checks")
    return 1 if failed else 0


sys.exit(main())
