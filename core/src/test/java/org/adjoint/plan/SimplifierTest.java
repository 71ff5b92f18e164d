package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;
import org.junit.jupiter.api.Test;

/** Rewriting changes no value, NaN, infinities and the sign of zero included, and removes what it should. */
class SimplifierTest {
    private static final TestTarget REWRITING = TestTarget.DECOMPOSING.getFirst();
    private static final double[] FLOATS = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0.0,
        -0.0, 1, -1, 2.5, -0.3, 255.5, 256, -300, 1e10, 1e308, Double.MIN_VALUE};
    private static final double[] INTEGERS = {0, 1, -1, 5, Integer.MIN_VALUE, Integer.MAX_VALUE};

    private static void check(double[] values, Function<Node, List<Node>> expressions) {
        Node leaf = Ops.leaf(new TensorType(DType.F64, Shape.of(values.length)));
        byte[] bytes = new byte[8 * values.length];
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asDoubleBuffer().put(values);
        Meaning meaning = new Meaning(Map.of(leaf, bytes));
        for (Node expression : expressions.apply(leaf)) {
            meaning.check(Program.of(List.of(expression), List.of(), List.of(), true), REWRITING,
                expression + " of " + expression.inputs());
        }
    }

    @Test
    void arithmeticWithConstantsIsAConstant() {
        for (DType dtype : new DType[] {DType.F64, DType.F32}) {
            for (double a : FLOATS) {
                Node one = Ops.constant(dtype, a);
                check(FLOATS, leaf -> Arrays.stream(FLOATS).mapToObj(b -> Ops.constant(dtype, b))
                    .flatMap(other -> Stream.of(BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL, BinaryOp.DIV)
                        .map(op -> Ops.mul(Ops.cast(leaf, dtype), Ops.binary(op, one, other))))
                    .toList());
            }
        }
        Node third = Ops.div(Ops.constant(DType.F32, 1.0), Ops.constant(DType.F32, 3.0));
        Plan plan = Planner.plan(Program.of(List.of(Ops.mul(Ops.leaf(new TensorType(DType.F32, Shape.of(8))), third)),
            List.of(), List.of(), true), REWRITING);
        assertEquals(1, plan.steps().size());
        assertEquals(List.of(Double.doubleToRawLongBits(1f / 3)), plan.extraScalars());
    }

    @Test
    void binaryFunctionsOfSpecialValues() {
        for (DType dtype : new DType[] {DType.F64, DType.F32, DType.I32}) {
            check(dtype == DType.I32 ? INTEGERS : FLOATS, leaf -> {
                Node x = Ops.cast(leaf, dtype);
                List<Node> expressions = new ArrayList<>();
                for (BinaryOp op : BinaryOp.values()) {
                    if (!op.accepts(dtype)) {
                        continue;
                    }
                    expressions.add(Ops.binary(op, x, x));
                    for (double constant : dtype == DType.I32 ? INTEGERS : FLOATS) {
                        expressions.add(Ops.binary(op, x, Ops.constant(dtype, constant)));
                        expressions.add(Ops.binary(op, Ops.constant(dtype, constant), x));
                    }
                }
                return expressions;
            });
        }
    }

    @Test
    void unaryFunctionsOfEachOther() {
        check(FLOATS, x -> {
            List<Node> expressions = new ArrayList<>();
            for (UnaryOp outer : UnaryOp.values()) {
                for (UnaryOp inner : UnaryOp.values()) {
                    Node y = inner.accepts(DType.F64) ? Ops.unary(inner, x) : x;
                    if (outer.accepts(y.dtype())) {
                        expressions.add(Ops.unary(outer, y));
                    }
                }
            }
            return expressions;
        });
    }

    @Test
    void chainsOfCasts() {
        check(FLOATS, x -> {
            List<Node> expressions = new ArrayList<>();
            for (DType a : DType.values()) {
                for (DType b : DType.values()) {
                    for (DType c : DType.values()) {
                        expressions.add(Ops.cast(Ops.cast(Ops.cast(x, a), b), c));
                    }
                }
            }
            return expressions;
        });
    }

    @Test
    void choicesAndReductions() {
        check(FLOATS, x -> {
            Node positive = Ops.greaterThan(x, Ops.zerosLike(x));
            Node repeated = Ops.broadcastTo(x, Shape.of(4, FLOATS.length));
            Node column = Ops.reshape(x, Shape.of(FLOATS.length, 1));
            Node zeros = Ops.zeroOf(DType.F64);
            Shape twice = Shape.of(2L * FLOATS.length);
            return List.of(Ops.where(positive, x, x), Ops.where(Ops.unary(UnaryOp.NOT, positive), x, Ops.neg(x)),
                Ops.where(Ops.constant(DType.BOOL, 1L), x, Ops.neg(x)), Ops.reduce(ReduceOp.MAX, repeated, List.of(0)),
                Ops.reduce(ReduceOp.MIN, repeated, List.of(0, 1)), Ops.reduce(ReduceOp.SUM, repeated, List.of(0)),
                Ops.reduce(ReduceOp.SUM, column, List.of(1)), Ops.reduce(ReduceOp.SUM, column, List.of(0, 1)),
                Ops.add(Ops.pad(x, new long[1], new long[1], twice, zeros),
                    Ops.pad(Ops.neg(x), new long[] {FLOATS.length}, new long[1], twice, zeros)));
        });
    }

    @Test
    void whatChangesNothingIsGone() {
        Node x = Ops.leaf(new TensorType(DType.F32, Shape.of(4, 6)));
        Node half = Ops.leaf(new TensorType(DType.BF16, Shape.of(4, 6)));
        Node condition = Ops.leaf(new TensorType(DType.BOOL, Shape.of(4, 6)));
        for (Node same : List.of(Ops.mul(x, 1), Ops.mul(Ops.onesLike(x), x), Ops.div(x, 1), Ops.sub(x, 0),
            Ops.add(x, -0.0), Ops.neg(Ops.neg(x)), Ops.cast(Ops.cast(x, DType.F64), DType.F32),
            Ops.where(condition, x, x),
            Ops.cast(Ops.cast(half, DType.F32), DType.BF16), Ops.max(x, x), Ops.transpose(Ops.transpose(x)),
            Ops.reshape(Ops.reshape(x, Shape.of(24)), Shape.of(4, 6)), Ops.flip(Ops.flip(x, 0), 0),
            Ops.slice(Ops.concat(0, List.of(half, half)), 0, 4, 8))) {
            assertEquals(1, computed(same), same + " of " + same.inputs());
        }
        for (Node other : List.of(Ops.mul(x, 0), Ops.sub(x, x), Ops.add(x, 0), Ops.div(x, x), Ops.sub(x, -0.0))) {
            assertEquals(2, Math.min(2, computed(other)), other + " of " + other.inputs());
        }
    }

    /** Lines of the only group: one for a mere copy of a leaf. */
    private static int computed(Node node) {
        Plan plan = Planner.plan(Program.of(List.of(node), List.of(), List.of(), true), REWRITING);
        assertEquals(1, plan.steps().size());
        PlanStep.Elementwise step = (PlanStep.Elementwise) plan.steps().getFirst();
        assertTrue(step.inputs().getFirst().isContiguous());
        return step.group().body().size();
    }
}
