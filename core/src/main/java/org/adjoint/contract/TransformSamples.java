package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;

import java.util.Collections;
import java.util.List;
import org.adjoint.Functions;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;

/** Samples of functions that are made of functions. */
final class TransformSamples {
    private static final Domain ANY = uniform(0.5, 2);
    private static final Tolerance PRODUCTS = Tolerance.ulps(12, "up to eight products and sums of positive numbers, "
        + "each of which 16-bit types store").roundings(12).gradient(32);
    private static final Step.Function1 SQUARE =
        Functions.withGradient(x -> x.mul(x), (x, _, dy) -> dy.mul(x).mul(2));

    private TransformSamples() { }

    static List<OpRow> rows() {
        return List.of(withGradient(), checkpoint(), vmap(), jvp());
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static Refusal illegalState(String message, TensorFunction function, Operand... operands) {
        return new Refusal(List.of(operands), function, IllegalStateException.class, message);
    }

    /** a b and a + b, with gradients of their own. */
    private static List<Tensor> productAndSum(Tensor a, Tensor b) {
        return Functions.withGradient("productAndSum",
            in -> List.of(in.get(0).mul(in.get(1)), in.get(0).add(in.get(1))),
            (in, _, dy) -> List.of(dy.get(0).mul(in.get(1)).add(dy.get(1)), dy.get(0).mul(in.get(0)).add(dy.get(1))))
            .apply(List.of(a, b));
    }

    private static Tensor gradientOf(Functions.Gradient gradient, Tensor x) {
        return Functions.withGradient("triple", in -> List.of(in.getFirst().mul(3)), gradient).apply(List.of(x))
            .getFirst().sum().gradient(x);
    }

    private static OpRow withGradient() {
        TensorFunction both = x -> productAndSum(x[0], x[1]).get(0).mul(productAndSum(x[0], x[1]).get(1));
        return OpRow.of("withGradient", Op.WithGradient.class).tolerance(PRODUCTS).cases(
            of(x -> SQUARE.apply(x[0]), any()), of(x -> SQUARE.apply(x[0]), any(0, 3)),
            of(x -> SQUARE.apply(x[0]), any(1)),
            of(x -> SQUARE.apply(x[0]), any(13)), of(x -> SQUARE.apply(SQUARE.apply(x[0])), any(207)),
            of(x -> SQUARE.apply(x[0].mul(2)).add(x[0]), any(3, 5).laid(Layout.PERMUTED)),
            of(x -> SQUARE.apply(x[0]), any(4, 7).laid(Layout.SLICED)),
            of(x -> SQUARE.apply(x[0]), any(4, 7).laid(Layout.FLIPPED)),
            of(x -> SQUARE.apply(x[0]), any(4, 7).laid(Layout.EXPANDED)),
            of(x -> productAndSum(x[0], x[1]).get(1), any(13), any(13)),
            of(both, any(3, 5), any(3, 5)),
            // Nested: the inner gradient is differentiated for the outer function's second derivative.
            of(x -> Functions.withGradient(y -> SQUARE.apply(y).mul(y), (y, _, dy) -> SQUARE.apply(y).mul(dy).mul(3))
                .apply(x[0]), any(13)))
            .refuses(
                illegalState("triple: the gradient function must return one tensor, or null, for each of 1 inputs, but "
                    + "returned 2", x -> gradientOf((_, _, dy) -> List.of(dy.getFirst(), dy.getFirst()), x[0]), any(3)),
                illegalState("triple: the gradient function must return one tensor, or null, for each of 1 inputs, but "
                    + "returned null", x -> gradientOf((_, _, _) -> null, x[0]), any(3)),
                illegalState("triple: the gradient of input 0 must be",
                    x -> gradientOf((_, _, dy) -> List.of(dy.getFirst().sum()), x[0]), any(3)),
                illegalState("withGradient: the function returned no tensor but null",
                    x -> Functions.withGradient(_ -> null, (_, _, dy) -> dy).apply(x[0]), any(3)));
    }

    private static OpRow checkpoint() {
        Step.Function1 cube = Functions.checkpoint(x -> x.mul(x).mul(x));
        Step.Function2 product = Functions.checkpoint((a, b) -> a.mul(b).add(a));
        return OpRow.of("checkpoint", Op.Barrier.class).tolerance(PRODUCTS).cases(
            of(x -> cube.apply(x[0]), any()), of(x -> cube.apply(x[0]), any(0, 3)), of(x -> cube.apply(x[0]), any(1)),
            of(x -> cube.apply(x[0]), any(13)), of(x -> cube.apply(cube.apply(x[0].mul(0.5))), any(207)),
            of(x -> cube.apply(x[0]), any(3, 5).laid(Layout.PERMUTED)),
            of(x -> cube.apply(x[0]), any(4, 7).laid(Layout.SLICED)),
            of(x -> cube.apply(x[0].transpose()), any(4, 7).laid(Layout.FLIPPED)),
            of(x -> product.apply(x[0], x[1]), any(3, 5), any(5)),
            of(x -> Functions.checkpoint((Step.Function1) y -> y.mul(x[1])).apply(x[0]), any(13), any(13)),
            of(x -> Functions.checkpoint((Step.Function1) y -> cube.apply(y).mul(y)).apply(x[0]), any(13)))
            .refuses(
                illegalState("checkpoint: the function returned no tensor but null",
                    x -> Functions.checkpoint((Step.Function1) _ -> null).apply(x[0]), any(3)),
                illegalState("checkpoint: the function returned no tensor but null", x -> Functions.checkpointAll(_ ->
                    Collections.singletonList(null)).apply(List.of(x[0])).getFirst(), any(3)),
                Refusal.of("reshape: (3) has 3 elements, (2) has 2",
                    x -> Functions.checkpoint((Step.Function1) y -> y.reshape(2)).apply(x[0]), any(3)));
    }

    private static OpRow vmap() {
        Step.Function1 scaled = x -> x.mul(x.slice(0, 0, 1)).flip(0);
        Step.Function2 product = (a, b) -> a.mul(b).add(b);
        return OpRow.of("vmap").tolerance(PRODUCTS).cases(
            of(x -> Functions.vmap(y -> y.mul(y)).apply(x[0]), any(3)),
            of(x -> Functions.vmap(scaled).apply(x[0]), any(0, 3)),
            of(x -> Functions.vmap(scaled).apply(x[0]), any(1, 1)),
            of(x -> Functions.vmap(scaled).apply(x[0]), any(13, 5)),
            of(x -> Functions.vmap(scaled, -1, 0).apply(x[0]), any(5, 207)),
            of(x -> Functions.vmap(scaled, 0, 1).apply(x[0]), any(3, 5).laid(Layout.PERMUTED)),
            of(x -> Functions.vmap(scaled).apply(x[0]), any(4, 7).laid(Layout.SLICED)),
            of(x -> Functions.vmap(product).apply(x[0], x[1]), any(3, 5), any(3, 5).laid(Layout.FLIPPED)),
            of(x -> Functions.vmap(product, new int[] {0, Functions.NOT_MAPPED}, 0).apply(x[0], x[1]), any(3, 5),
                any(5)),
            of(x -> Functions.vmap(Functions.vmap(scaled)).apply(x[0]), any(2, 3, 5)),
            of(x -> Functions.vmap(Functions.gradient(y -> y.mul(y).mul(y).sum())).apply(x[0]), any(3, 5)))
            .refuses(
                Refusal.of("has 3 examples along axis 0, but argument 1",
                    x -> Functions.vmap(product).apply(x[0], x[1]), any(3, 5), any(4, 5)),
                Refusal.of("which has no axis to map over", x -> Functions.vmap(scaled).apply(x[0]), any()),
                Refusal.of("vmap: axis 2 is out of range", x -> Functions.vmap(scaled, 2, 0).apply(x[0]), any(3, 5)),
                Refusal.of("vmap: no argument is mapped",
                    x -> Functions.vmap(scaled, Functions.NOT_MAPPED, 0).apply(x[0]), any(3, 5)),
                illegalState("vmap: the function returned no tensor",
                    x -> Functions.vmap((Step.Function1) _ -> null).apply(x[0]), any(3)),
                illegalState("has no value yet", x -> Functions.vmap(y -> y.mul(y.item())).apply(x[0]), any(3)));
    }

    private static OpRow jvp() {
        Step.Function1 cube = x -> x.mul(x).mul(x);
        TensorFunction tangent = x -> Functions.jvp(cube, x[0], x[1]).tangent();
        return OpRow.of("jvp").tolerance(PRODUCTS).cases(
            of(tangent, any(), any()), of(tangent, any(0, 3), any(0, 3)), of(tangent, any(1), any(1)),
            of(tangent, any(13), any(13)), of(tangent, any(207), any(207)),
            of(tangent, any(3, 5).laid(Layout.PERMUTED), any(3, 5)),
            of(tangent, any(4, 7), any(4, 7).laid(Layout.SLICED)),
            of(tangent, any(4, 7).laid(Layout.FLIPPED), any(4, 7).laid(Layout.EXPANDED)),
            of(x -> Functions.jvp(cube, x[0], x[1]).value().add(x[1]), any(5), any(5)),
            of(x -> Functions.hvp(y -> cube.apply(y).sum(), x[0], x[1]), any(13), any(13)),
            of(x -> Functions.jvp(in -> in.get(0).mul(in.get(1)), List.of(x[0], x[1]), List.of(x[1], x[0])).tangent(),
                any(13), any(13)))
            .refuses(
                Refusal.of("jvp: the tangent of argument 0 must be", x -> Functions.jvp(cube, x[0], x[1]).tangent(),
                    any(3), any(4)),
                Refusal.of("jvp: 1 arguments need as many tangents, not 0", x -> Functions.jvp(in -> in.getFirst(),
                    List.of(x[0]), List.of()).tangent(), any(3)),
                Refusal.of("jvp: the function returned i64(), which has no derivative",
                    x -> Functions.jvp(y -> y.argmax(0), x[0], x[0]).tangent(), any(3)),
                Refusal.of("jvp: the argument must be floating but is i32(3)",
                    x -> Functions.jvp(y -> y.to(DType.F32), x[0], x[0]).tangent(),
                    Operand.of(DType.I32, Domain.whole(1, 3), 3)));
    }
}
