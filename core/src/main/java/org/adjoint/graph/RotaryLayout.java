package org.adjoint.graph;

/** Which elements of a vector a rotary embedding turns together. */
public enum RotaryLayout {
    /** 2i and 2i + 1: RoFormer, GPT-J, the published weights of Llama. */
    INTERLEAVED,
    /** i and i + width / 2: GPT-NeoX, Llama as Hugging Face stores it. */
    HALVES
}
