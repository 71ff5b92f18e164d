package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.adjoint.RandomState;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;

/** Samples of what draws random numbers. */
final class RandomSamples {
    private static final Tolerance SAME =
        Tolerance.exact("random bits, and what exact steps make of them, are the same everywhere");
    private static final TensorFunction CATEGORICAL = x -> x[0].device().random().categorical(x[0]);

    private RandomSamples() { }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(uniform(-3, 3), shape);
    }

    private static SampleCase drawn(Function<RandomState, Tensor> drawing) {
        return of(x -> drawing.apply(x[0].device().random()), any());
    }

    private static Refusal refused(String message, Function<RandomState, Tensor> drawing) {
        return Refusal.of(message, x -> drawing.apply(x[0].device().random()), any());
    }

    static List<OpRow> rows() {
        return List.of(
            OpRow.of("randomBits", Op.RandomBits.class).takesNoTensors().dtypes(Set.of(DType.I32)).notDifferentiable()
                .tolerance(SAME).cases(drawn(r -> r.bits()),
                    drawn(r -> r.bits(0, 3)), drawn(r -> r.bits(13)),
                    drawn(r -> r.bits(3, 5).transpose()),
                    drawn(r -> r.bits(4099)), drawn(r -> r.bits(1)),
                    drawn(r -> r.bits(207)),
                    drawn(r -> r.bits(2, 3, 5)),
                    drawn(r -> r.bits(3).add(r.bits(3))),
                    drawn(r -> r.bits(7, 5).slice(1, 1, 4)))
                .refuses(refused("extents must not be negative", r -> r.bits(-1)),
                    refused("extents must not be negative", r -> r.bits(2, -3)),
                    refused("has more than 2^63 elements", r -> r.bits(1L << 40, 1L << 40))),
            OpRow.of("uniform").takesNoTensors().notDifferentiable().tolerance(SAME).cases(
                of(x -> x[0].device().random().uniform(x[0].dtype()), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 0), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 13), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 3, 5).flip(0), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 4099), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 1), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 207), any()),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 2, 3, 5), any()),
                of(x -> x[0].add(x[0].device().random().uniform(x[0].dtype(), 3)), any(3)),
                of(x -> x[0].device().random().uniform(x[0].dtype(), 7, 5).transpose(), any()))
                .refuses(refused("needs a floating dtype but got i32", r -> r.uniform(DType.I32, 3)),
                    refused("extents must not be negative", r -> r.uniform(DType.F32, -1)),
                    refused("has more than 2^63 elements", r -> r.uniform(DType.F32, 1L << 40, 1L << 40))),
            OpRow.of("bernoulli").takesNoTensors().notDifferentiable().tolerance(SAME).cases(
                drawn(r -> r.bernoulli(0.3)),
                drawn(r -> r.bernoulli(0, 13)),
                drawn(r -> r.bernoulli(1, 13)),
                drawn(r -> r.bernoulli(0.7, 3, 69)),
                drawn(r -> r.bernoulli(0.1, 4099)),
                drawn(r -> r.bernoulli(0.5, 1)),
                drawn(r -> r.bernoulli(0.5, 0)),
                drawn(r -> r.bernoulli(0.5, 207)),
                drawn(r -> r.bernoulli(0.25, 2, 3, 5)),
                drawn(r -> r.bernoulli(0.5, 7, 5).transpose()))
                .refuses(refused("bernoulli: the probability must be in [0, 1] but is -0.1", r -> r.bernoulli(-0.1, 2)),
                    refused("bernoulli: the probability must be in [0, 1] but is NaN", r -> r.bernoulli(Double.NaN, 2)),
                    refused("bernoulli: the probability must be in [0, 1] but is 1.5", r -> r.bernoulli(1.5, 2))),
            OpRow.of("normal").takesNoTensors().notDifferentiable()
                .tolerance(Tolerance.ulps(6, "log, sqrt and cos of our own").inOwnDtype())
                .cases(of(x -> x[0].device().random().normal(x[0].dtype(), 207), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype()), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 0), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 3, 5).transpose(), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 1), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 13), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 2, 3, 5).flip(0, 1, 2), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 3, 0, 2), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 33).slice(0, 1, 32, 2), any()),
                    of(x -> x[0].device().random().normal(x[0].dtype(), 4099), any()))
                .refuses(
                    refused("normal: needs a floating dtype but got i32", r -> r.normal(DType.I32, 3)),
                    refused("normal: needs a floating dtype but got bool", r -> r.normal(DType.BOOL)),
                    Refusal.of("-1", x -> x[0].device().random().normal(x[0].dtype(), 3, -1), any())),
            OpRow.of("integers").takesNoTensors().dtypes(Set.of(DType.I64)).notDifferentiable().tolerance(SAME).cases(
                drawn(r -> r.integers(0, 10)),
                drawn(r -> r.integers(-3, 4, 207)),
                drawn(r -> r.integers(5, 6, 13)),
                drawn(r -> r.integers(0, 2, 0, 3)),
                drawn(r -> r.integers(-1L << 31, 1L << 31, 4099)),
                drawn(r -> r.integers(0, (1L << 32) - 1, 3, 5).transpose()),
                drawn(r -> r.integers(Long.MIN_VALUE, Long.MIN_VALUE + 7, 2, 3, 5)),
                drawn(r -> r.integers(Long.MAX_VALUE - 1000, Long.MAX_VALUE, 33)),
                drawn(r -> r.integers(0, 50257, 7, 5).slice(1, 1, 4)),
                drawn(r -> r.integers(0, 3, 5).add(r.integers(0, 3, 5))))
                .refuses(refused("integers: from 3 up to 3 exclusive there must be 1 to 2^32 values",
                        r -> r.integers(3, 3, 2)),
                    refused("integers: from 3 up to 2 exclusive there must be 1 to 2^32 values",
                        r -> r.integers(3, 2, 2)),
                    refused("integers: from 0 up to 4294967297 exclusive there must be 1 to 2^32 values",
                        r -> r.integers(0, (1L << 32) + 1, 2)),
                    refused("there must be 1 to 2^32 values", r -> r.integers(Long.MIN_VALUE, Long.MAX_VALUE, 2)),
                    refused("extents must not be negative", r -> r.integers(0, 2, -1))),
            OpRow.of("permutation").takesNoTensors().dtypes(Set.of(DType.I64)).notDifferentiable().tolerance(SAME)
                .cases(drawn(r -> r.permutation(0)),
                    drawn(r -> r.permutation(1)),
                    drawn(r -> r.permutation(2)),
                    drawn(r -> r.permutation(13)),
                    drawn(r -> r.permutation(207)),
                    drawn(r -> r.permutation(1024)),
                    drawn(r -> r.permutation(4099)),
                    drawn(r -> r.permutation(60).reshape(5, 12).transpose()),
                    drawn(r -> r.permutation(33).flip(0)),
                    drawn(r -> r.permutation(7).add(r.permutation(7))))
                .refuses(refused("permutation: shape [-1]: extents must not be negative", r -> r.permutation(-1)),
                    refused("extents must not be negative", r -> r.permutation(Long.MIN_VALUE)),
                    refused("permutation: ", r -> r.permutation(Long.MAX_VALUE))),
            OpRow.of("categorical").notDifferentiable()
                .tolerance(Tolerance.exact("an index, of values that differ by more than logarithms err"))
                .cases(of(CATEGORICAL, any(10)), of(CATEGORICAL, any(1)), of(CATEGORICAL, any(3, 5)),
                    of(CATEGORICAL, any(207, 3)), of(CATEGORICAL, any(2, 3, 17)), of(CATEGORICAL, any(0, 4)),
                    of(CATEGORICAL, any(2, 1025)), of(CATEGORICAL, any(7, 13).laid(Layout.PERMUTED)),
                    of(x -> x[0].device().random().categorical(x[0].expand(9, 4)), any(4)),
                    of(x -> x[0].device().random().categorical(x[0].softmax(-1).log()), any(5, 6)))
                .refuses(Refusal.of("categorical: needs a floating dtype but got i64", CATEGORICAL,
                    Operand.indices(3, 3)),
                    Refusal.of("categorical: axis -1 of (2, 0) is empty", CATEGORICAL, any(2, 0)),
                    Refusal.of("categorical: ", CATEGORICAL, any())));
    }
}
