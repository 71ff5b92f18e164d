package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.graph.Node;
import org.adjoint.graph.TensorType;
import org.adjoint.reference.ReferenceBackend;

/** Compares what plans compute with what nodes mean one by one, bit for bit but for the bits of a NaN. */
final class Meaning {
    private final DeviceDriver driver = new ReferenceBackend().open(0, Map.of());
    private final Map<Node, byte[]> leaves;
    private final NodeByNode truth;

    /** @param leaves the bytes of each leaf */
    Meaning(Map<Node, byte[]> leaves) {
        this.leaves = leaves;
        this.truth = new NodeByNode(driver, leaves);
    }

    void check(Program program, Target target, String what) {
        Plan plan;
        try {
            plan = Planner.plan(program, target);
            PlanChecker.check(plan);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(what, e);
        }
        List<byte[]> memories = new ArrayList<>();
        program.leaves().forEach(leaf -> memories.add(leaves.get(leaf).clone()));
        program.results().forEach(result -> memories.add(new byte[(int) result.type().bytes()]));
        NodeByNode.execute(driver, plan, memories, program.scalars());
        for (int i = 0; i < program.leaves().size(); i++) {
            Node value = program.leaves().get(i);
            for (Program.Store store : program.stores()) {
                value = store.target() == program.leaves().get(i) ? store.value() : value;
            }
            compare(value, memories.get(i), what + ": leaf " + i);
        }
        for (int i = 0; i < program.results().size(); i++) {
            compare(program.results().get(i), memories.get(program.leaves().size() + i), what + ": result " + i);
        }
    }

    private void compare(Node value, byte[] actual, String what) {
        assertArrayEquals(elements(value.type(), truth.value(value)), elements(value.type(), actual), what);
    }

    /** Each element as a boxed number or as bits, so that NaN equals NaN, and -0 does not equal 0. */
    private static Object[] elements(TensorType type, byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        Object[] elements = new Object[(int) type.shape().elements()];
        for (int i = 0; i < elements.length; i++) {
            elements[i] = switch (type.dtype()) {
                case BOOL, U8 -> buffer.get();
                case I32 -> buffer.getInt();
                case I64 -> buffer.getLong();
                case F16 -> Float.float16ToFloat(buffer.getShort());
                case BF16 -> Float.intBitsToFloat(buffer.getShort() << 16);
                case F32 -> buffer.getFloat();
                case F64 -> buffer.getDouble();
            };
        }
        return elements;
    }
}
