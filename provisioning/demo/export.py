"""Writes the trained decoder as a GGUF file of architecture "llama"."""

import gguf
import numpy as np

import bpe

CHAT_TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
    {%- if message['role'] not in ['system', 'user', 'assistant'] %}
        {{- raise_exception('Unknown role: ' + message['role']) }}
    {%- endif %}
    {{- '<|' + message['role'] + '|>' + message['content'] | trim + '<|end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>' }}
{%- endif -%}
"""


def add_metadata(writer, shape, tokenizer, file_type):
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("Redoubt demo")
    writer.add_basename("redoubt-demo")
    writer.add_description("Answers short questions about the Redoubt appliance, and nothing else.")
    writer.add_license("Apache-2.0")
    writer.add_languages(["en"])
    writer.add_file_type(file_type)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)

    writer.add_vocab_size(shape.vocab)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.mlp_width)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)

    control = len(bpe.CONTROL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokenizer.tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * control
                           + [gguf.TokenType.NORMAL] * (len(tokenizer.tokens) - control))
    writer.add_token_merges([f"{left} {right}" for left, right in tokenizer.merges])
    writer.add_bos_token_id(bpe.BEGIN)
    writer.add_eos_token_id(bpe.END)
    writer.add_eot_token_id(bpe.END)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write(path, decoder, tokenizer, quant="f16"):
    """Writes `decoder` to `path`: matrices as F16 or Q8_0, norms as F32."""
    file_type, matrix_type = {
        "f16": (gguf.LlamaFileType.MOSTLY_F16, gguf.GGMLQuantizationType.F16),
        "q8_0": (gguf.LlamaFileType.MOSTLY_Q8_0, gguf.GGMLQuantizationType.Q8_0),
    }[quant]
    writer = gguf.GGUFWriter(path, "llama")
    add_metadata(writer, decoder.shape, tokenizer, file_type)
    for name, parameter in decoder.named_parameters():
        values = parameter.detach().float().numpy()
        if values.ndim == 1:
            writer.add_tensor(name, np.ascontiguousarray(values, dtype=np.float32))
        else:
            writer.add_tensor(name, gguf.quants.quantize(values, matrix_type), raw_dtype=matrix_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
