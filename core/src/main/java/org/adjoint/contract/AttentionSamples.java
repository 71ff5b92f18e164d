package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;
import static org.adjoint.contract.ModelSamples.flat;
import static org.adjoint.contract.ModelSamples.largest;

import java.util.List;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.AttentionOptions;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.RotaryLayout;

/** Samples of attention and of rotary positions. */
final class AttentionSamples {
    private static final Domain SMALL = uniform(-1.5, 1.5);
    private static final String REASON =
        "an error in the scores, of some ulps of |q| |k|, becomes a relative one of the weights";
    private static final TensorFunction OPEN = x -> x[0].attention(x[1], x[2], false);
    private static final TensorFunction CAUSAL = x -> x[0].attention(x[1], x[2], true);

    /** With queries and keys of these, scores are exact, about 512 and near one another; with the bias, too. */
    private static final Operand HIGH_QUERIES =
        Operand.of(values(64, 0.5, -1, 0, 64, -1.25, 0.5, 1, 64, 2, 0, -0.5), 3, 4);
    private static final Operand HIGH_KEYS = Operand.of(values(16, 1, 0.5, -1, 16, -0.5, 1, 0.25, 16, 0.25, -1.5, 1,
        16, 1.5, 0, 0.5, 16, -1, 1, 2), 5, 4);
    private static final Operand HIGH_BIAS = Operand.of(values(300, 301, 300.25, 299.5, 300, 300.5, 299, 300.25, 300.75,
        301, 300, 300.5, 300.25, 299, 299.75), 3, 5);

    private AttentionSamples() { }

    static List<OpRow> rows() {
        return List.of(attention(), attentionGradient(), scaledDotProduct(), rotary());
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(SMALL, shape);
    }

    private static OpRow attention() {
        TensorFunction biased = x -> x[0].attention(x[1], x[2], x[3], false);
        TensorFunction causalBiased = x -> x[0].attention(x[1], x[2], x[3], true);
        return OpRow.of("attention", FusedOp.Attention.class).cases(
            of(OPEN, any(1, 1), any(1, 1), any(1, 2)), of(OPEN, any(3, 4), any(5, 4), any(5, 2)),
            of(CAUSAL, any(2, 4, 3), any(2, 4, 3), any(2, 4, 3)), of(OPEN, any(0, 4), any(3, 4), any(3, 2)),
            of(CAUSAL, any(2, 2, 5, 3), any(2, 2, 5, 3), any(2, 2, 5, 3)),
            of(CAUSAL, any(4, 3).laid(Layout.PERMUTED), any(4, 3).laid(Layout.SLICED), any(4, 3).laid(Layout.FLIPPED)),
            of(biased, any(3, 4), any(5, 4), any(5, 2), any(3, 5)),
            of(biased, any(3, 4), any(5, 4), any(5, 2), any(1, 5)),
            of(causalBiased, any(2, 4, 3), any(2, 4, 3), any(2, 4, 3), any(4, 4)),
            of(OPEN, any(2, 3, 4), any(2, 5, 4).laid(Layout.EXPANDED), any(2, 5, 2).laid(Layout.EXPANDED)),
            of(CAUSAL, any(2, 67, 16), any(2, 67, 16), any(2, 67, 16)).withoutDifferences(),
            of(OPEN, HIGH_QUERIES, HIGH_KEYS, any(5, 2)),
            of(biased, HIGH_QUERIES, HIGH_KEYS, any(5, 2), HIGH_BIAS))
            .tolerance(Tolerance.of(32, x -> largest(x[2]), REASON + "; tensor cores take weights of 16 bits, and a "
                + "card's exponential errs by four roundings, which gradients of scores that cancel show")
                .roundings(2).gradient(64))
            .refuses(Refusal.of("attention: q (3, 4), k (5, 3) and v (5, 2) must be (batch..., t, d)", OPEN,
                any(3, 4), any(5, 3), any(5, 2)),
                Refusal.of("attention: q (4), k (5, 4) and v (5, 2) need one rank, of at least 2", OPEN, any(4),
                    any(5, 4), any(5, 2)),
                Refusal.of("attention: needs a floating dtype but got i64", OPEN, Operand.indices(3, 3, 4),
                    any(5, 4), any(5, 2)),
                Refusal.of("attention: there are no keys in k (0, 4)", OPEN, any(3, 4), any(0, 4), any(0, 2)));
    }

    private static OpRow attentionGradient() {
        TensorFunction gradient = x -> flat(OPEN.apply(x).pullback(x[3], List.of(x[0], x[1], x[2])));
        TensorFunction causal = x -> flat(CAUSAL.apply(x).pullback(x[3], List.of(x[0], x[1], x[2])));
        TensorFunction biased = x -> flat(x[0].attention(x[1], x[2], x[4], false)
            .pullback(x[3], List.of(x[0], x[1], x[2], x[4])));
        return OpRow.of("attentionGradient", FusedOp.AttentionGradient.class).cases(
            of(gradient, any(2, 3), any(2, 3), any(2, 2), any(2, 2)),
            of(gradient, any(3, 4), any(5, 4), any(5, 2), any(3, 2)),
            of(gradient, any(0, 4), any(3, 4), any(3, 2), any(0, 2)),
            of(gradient, any(2, 3, 2), any(2, 4, 2), any(2, 4, 3), any(2, 3, 3)),
            of(causal, any(2, 4, 3), any(2, 4, 3), any(2, 4, 3), any(2, 4, 3)),
            of(causal, any(4, 3).laid(Layout.PERMUTED), any(4, 3), any(4, 3), any(4, 3).laid(Layout.FLIPPED)),
            of(gradient, any(2, 3).laid(Layout.SLICED), any(4, 3).laid(Layout.PERMUTED), any(4, 2), any(2, 2)),
            of(biased, any(3, 2), any(4, 2), any(4, 2), any(3, 2), any(3, 4)),
            of(gradient, HIGH_QUERIES, HIGH_KEYS, any(5, 2), any(3, 2)),
            of(causal, HIGH_QUERIES, HIGH_KEYS, any(5, 2), any(3, 2)),
            of(biased, HIGH_QUERIES, HIGH_KEYS, any(5, 2), any(3, 2), HIGH_BIAS),
            of(gradient, any(13, 7), any(33, 7), any(33, 5), any(13, 5)).withoutDifferences(),
            of(causal, any(67, 8), any(67, 8), any(67, 8), any(67, 8)).withoutDifferences())
            .tolerance(new Tolerance(64, 8, 64, (operation, x) -> largest(operation.apply(x)), false,
                REASON + "; the output it starts from is stored"))
            .refuses(
                Refusal.of("pullback: the cotangent must be", gradient, any(3, 4), any(5, 4), any(5, 2), any(3, 4)),
                Refusal.of("pullback: the cotangent must be", gradient, any(3, 4), any(5, 4), any(5, 2), any(2)),
                Refusal.of("pullback: the cotangent must be", gradient, any(3, 4), any(5, 4), any(5, 2),
                    Operand.indices(2, 3, 2)));
    }

    private static TensorFunction with(AttentionOptions options) {
        return x -> x[0].scaledDotProductAttention(x[1], x[2], options);
    }

    private static TensorFunction masked(AttentionOptions options) {
        return x -> x[0].scaledDotProductAttention(x[1], x[2], x[3], options);
    }

    private static OpRow scaledDotProduct() {
        AttentionOptions plain = AttentionOptions.DEFAULT;
        AttentionOptions causal = AttentionOptions.CAUSAL;
        // Sees some keys, none, and two.
        Operand mask = Operand.of(DType.BOOL, values(1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0), 3, 4);
        return OpRow.of("scaledDotProductAttention").cases(
            of(with(plain), any(3, 4), any(5, 4), any(5, 2)),
            of(with(causal.scale(0.25)), any(2, 4, 3), any(2, 4, 3), any(2, 4, 3)),
            of(masked(plain), any(3, 2), any(4, 2), any(4, 2), mask),
            of(masked(causal), any(3, 2), any(4, 2), any(4, 2), mask),
            of(masked(plain), any(2, 3, 2), any(2, 4, 2), any(2, 4, 2), any(3, 4)),
            of(masked(plain), any(2, 3, 2), any(2, 4, 2), any(2, 4, 2), any(2, 1, 4)),
            // Four heads over two groups, one group, and a batch that keys do not have.
            of(with(plain), any(4, 3, 2), any(2, 3, 2), any(2, 3, 2)),
            of(with(causal), any(2, 4, 3, 2), any(2, 2, 3, 2), any(2, 2, 3, 3)).withoutDifferences(),
            of(masked(plain), any(4, 3, 2), any(2, 4, 2), any(2, 4, 2), mask),
            of(masked(plain), any(4, 3, 2), any(2, 4, 2), any(2, 4, 2), any(4, 3, 4)).withoutDifferences(),
            of(with(plain), any(2, 3, 3, 2), any(1, 1, 4, 2), any(1, 1, 4, 2)).withoutDifferences(),
            of(with(causal.dropout(0.25)), any(2, 3, 2), any(1, 3, 2), any(1, 3, 2)),
            of(masked(plain.dropout(0.5)), any(3, 2), any(4, 2), any(4, 2), mask),
            of(with(causal), any(0, 4), any(3, 4), any(3, 2)),
            of(with(causal), any(4, 33, 8).laid(Layout.PERMUTED), any(2, 33, 8), any(2, 33, 8).laid(Layout.SLICED))
                .withoutDifferences())
            .tolerance(Tolerance.of(32, x -> largest(x[2]).mul(2), REASON).roundings(4).gradient(32))
            .refuses(
                Refusal.of("scaledDotProductAttention: q (3, 4), k (5, 3) and v (5, 2) must be (..., t, d)",
                    with(plain), any(3, 4), any(5, 3), any(5, 2)),
                Refusal.of("scaledDotProductAttention: q (4), k (5, 4) and v (5, 2) need one rank, of at least 2",
                    with(plain), any(4), any(5, 4), any(5, 2)),
                Refusal.of("the heads of k (2, 3, 2) and v (2, 3, 2) must be as many and divide those of q (3, 3, 2)",
                    with(plain), any(3, 3, 2), any(2, 3, 2), any(2, 3, 2)),
                Refusal.of("the mask f32(3, 5) must be bool or floating and broadcast to the scores (3, 4)",
                    masked(plain), any(3, 2), any(4, 2), any(4, 2), Operand.of(DType.F32, SMALL, 3, 5)),
                Refusal.of("the mask i64(3, 4) must be bool or floating", masked(plain), any(3, 2), any(4, 2),
                    any(4, 2), Operand.indices(2, 3, 4)),
                Refusal.of("scaledDotProductAttention: dropout must be in [0, 1) but is 1.0",
                    x -> x[0].scaledDotProductAttention(x[1], x[2], plain.dropout(1)), any(3, 2), any(4, 2), any(4, 2)),
                Refusal.of("scaledDotProductAttention: there are no keys in k (0, 4)", with(plain),
                    any(3, 4), any(0, 4), any(0, 2)),
                Refusal.of("scaledDotProductAttention: needs a floating dtype but got i64", with(plain),
                    Operand.indices(2, 3, 2), any(4, 2), any(4, 2)));
    }

    private static OpRow rotary() {
        TensorFunction halves = x -> x[0].rotaryEmbedding(x[1], RotaryLayout.HALVES);
        TensorFunction neighbors = x -> x[0].rotaryEmbedding(x[1], RotaryLayout.INTERLEAVED);
        TensorFunction slow = x -> x[0].rotaryEmbedding(x[1], RotaryLayout.HALVES, 500_000);
        Operand positions = Operand.of(DType.I32, Domain.whole(0, 20), 3);
        return OpRow.of("rotaryEmbedding").cases(
            of(halves, any(2), Operand.indices(5)), of(neighbors, any(2), Operand.indices(5)),
            of(halves, any(3, 4), positions), of(neighbors, any(3, 4), positions),
            of(slow, any(2, 3, 6), positions), of(neighbors, any(2, 3, 6), Operand.indices(9, 2, 3)),
            of(halves, any(2, 2, 3, 4), positions), of(halves, any(0, 4), Operand.indices(5, 0)),
            of(halves, any(3, 0), positions), of(halves, any(3, 4).laid(Layout.PERMUTED), positions),
            of(neighbors, any(3, 4).laid(Layout.FLIPPED), positions.laid(Layout.FLIPPED)),
            of(halves, any(3, 4), Operand.of(uniform(0, 9), 3)),
            of(halves, any(13, 66), Operand.indices(20, 13)).withoutDifferences())
            .tolerance(Tolerance.of(32, x -> largest(x[0]).mul(20), "an angle errs by some ulps of the largest, 20")
                .gradient(64))
            .refuses(
                Refusal.of("rotaryEmbedding: vectors x (2, 3) must have an even width", halves, any(2, 3), positions),
                Refusal.of("rotaryEmbedding: vectors x () must have an even width", halves, any(), positions),
                Refusal.of("positions i32(3) must be numbers that broadcast to the vectors of x (2, 4)",
                    halves, any(2, 4), positions),
                Refusal.of("rotaryEmbedding: positions bool(2) must be numbers", halves, any(2, 4),
                    Operand.of(DType.BOOL, Domain.whole(0, 1), 2)),
                Refusal.of("rotaryEmbedding: the base must be positive but is 0.0",
                    x -> x[0].rotaryEmbedding(x[1], RotaryLayout.HALVES, 0), any(3, 4), positions),
                Refusal.of("rotaryEmbedding: needs a floating dtype but got i64", halves, Operand.indices(3, 3, 4),
                    positions));
    }
}
