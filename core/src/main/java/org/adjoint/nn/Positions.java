package org.adjoint.nn;

import java.util.List;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;

/** What tells attention where tokens stand, but for {@linkplain Tensor#rotaryEmbedding rotary positions}. */
public final class Positions {
    private Positions() { }

    /**
     * {@code (count, width)}: {@code sin(position / 10000^(2 i / width))} at 2i and its cosine at 2i + 1 (Vaswani et
     * al., "Attention is all you need", 2017), in {@code F32}.
     */
    public static Tensor sinusoidal(Device device, long count, long width) {
        if (count < 1 || width < 2 || width % 2 != 0) {
            throw new IllegalArgumentException("sinusoidal: needs positions and an even width, not " + count + " and "
                + width);
        }
        Tensor frequencies = device.arange(DType.F64, width / 2).mul(-2 * StrictMath.log(10_000) / width).exp();
        Tensor angles = device.arange(DType.F64, count).reshape(count, 1).mul(frequencies).to(DType.F32).unsqueeze(2);
        return Tensor.concat(2, List.of(angles.sin(), angles.cos())).reshape(count, width);
    }

    /** A layer that adds {@link #sinusoidal} positions to x {@code (..., t, width)}. */
    public static Layer sinusoidal() {
        return x -> {
            int rank = x.shape().rank();
            if (rank < 2) {
                throw new IllegalArgumentException("sinusoidal: its input must be (..., t, width) but is " + x.shape());
            }
            Tensor table = sinusoidal(x.device(), x.shape().extent(rank - 2), x.shape().extent(rank - 1));
            return x.add(table.to(x.dtype()));
        };
    }

    /**
     * {@code (heads, queries, keys)}: a bias of minus a head's slope times the distance of query and key, the last of
     * which stand together (Press et al., "Train short, test long", 2022, ALiBi), in {@code F32}. Slopes fall from
     * {@code 2^(-8 / heads)} to {@code 2^-8} for a power of two; other numbers take every second slope of twice the
     * power of two below for what is missing.
     */
    public static Tensor alibi(Device device, long heads, long queries, long keys) {
        if (heads < 1 || queries < 1 || keys < queries) {
            throw new IllegalArgumentException("alibi: " + heads + " heads, " + queries + " queries and " + keys
                + " keys must be positive, the keys no fewer than the queries");
        }
        long power = Long.highestOneBit(heads);
        Tensor slopes = slopes(device.arange(DType.F32, power).add(1), power);
        if (heads > power) {
            Tensor odd = device.arange(DType.F32, heads - power).mul(2).add(1);
            slopes = Tensor.concat(0, List.of(slopes, slopes(odd, 2 * power)));
        }
        Tensor query = device.arange(DType.F32, queries).add(keys - queries).reshape(queries, 1);
        Tensor distance = query.sub(device.arange(DType.F32, keys)).abs();
        return distance.mul(slopes.reshape(heads, 1, 1)).neg();
    }

    /** {@code 2^(-8 ordinal / heads)} */
    private static Tensor slopes(Tensor ordinals, long heads) {
        return ordinals.mul(-8 * StrictMath.log(2) / heads).exp();
    }
}
