package org.adjoint.nn;

import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.AttentionOptions;
import org.adjoint.graph.DType;

/**
 * Keys and values of the tokens that attention has seen, for decoding one token after the other: two variables
 * {@code (batch, heads, capacity, headWidth)}, overwritten in place. What lies at and beyond the position is not read.
 */
public final class KeyValueCache implements AutoCloseable {
    private final long capacity;
    private final Variable keys;
    private final Variable values;

    private KeyValueCache(long capacity, Variable keys, Variable values) {
        this.capacity = capacity;
        this.keys = keys;
        this.values = values;
    }

    public static KeyValueCache of(Device device, String name, DType dtype, long batch, long heads, long capacity,
        long headWidth) {
        Tensor zeros = device.zeros(dtype, batch, heads, capacity, headWidth);
        return new KeyValueCache(capacity, device.variable(name + ".keys", zeros),
            device.variable(name + ".values", zeros));
    }

    /**
     * Puts tokens into the cache and attends from them to all that the cache holds up to each.
     *
     * @param q queries {@code (batch, heads, t, headWidth)} of the t tokens at position, position + 1, ...
     * @param k their keys, of the same shape, or with the heads of the cache, which queries share
     * @param v their values, of the shape of the keys
     * @param position how many tokens came before, an {@code I64} scalar, at most {@code capacity - t}
     * @return {@code (batch, heads, t, headWidth)}
     */
    Tensor attend(Tensor q, Tensor k, Tensor v, Tensor position) {
        Device device = q.device();
        // (0, 0, position, 0), made of operations so that a compiled step captures no tensor
        Tensor starts = device.arange(DType.I64, 4).equal(2).to(DType.I64).mul(position);
        keys.assign(keys.tensor().dynamicUpdateSlice(k, starts));
        values.assign(values.tensor().dynamicUpdateSlice(v, starts));
        long count = q.shape().extent(2);
        Tensor queries = device.arange(DType.I64, count).add(position).reshape(count, 1);
        Tensor visible = device.arange(DType.I64, capacity).lessOrEqual(queries);
        Tensor bias = visible.where(device.scalar(0), device.scalar(Double.NEGATIVE_INFINITY));
        return q.scaledDotProductAttention(keys.tensor(), values.tensor(), bias, AttentionOptions.DEFAULT);
    }

    /** Frees both variables. */
    @Override
    public void close() {
        keys.close();
        values.close();
    }
}
