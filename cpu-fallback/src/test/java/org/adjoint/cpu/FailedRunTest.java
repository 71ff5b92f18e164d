package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** A run with an index out of range changes no variable, even where variables are updated in place. */
class FailedRunTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("cpu");
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void scatterAddInPlace() {
        Variable v = device.variable("v", device.tensor(new float[] {1, 2, 3}));
        Step step = Step.compile(device, i -> {
            v.assign(v.tensor().scatterAdd(0, i, device.ones(DType.F32, 3)));
            return v.tensor().sum();
        });
        Tensor good = device.tensor(new int[] {0, 0, 2});
        step.run(good);
        assertThrows(IndexOutOfBoundsException.class, () -> step.run(device.tensor(new int[] {0, 1, 3})));
        assertArrayEquals(new float[] {3, 2, 4}, v.tensor().toFloatArray());
        step.run(good);
        assertArrayEquals(new float[] {5, 2, 5}, v.tensor().toFloatArray());
    }

    @Test
    void updatesThatNeedNoIndex() {
        Variable p = device.variable("p", device.tensor(new float[] {1, 2}));
        Variable q = device.variable("q", device.tensor(new float[] {3, 4}));
        Step step = Step.compile(device, i -> {
            p.assign(p.tensor().add(1));
            q.assign(q.tensor().add(q.tensor().gather(0, i)));
            return p.tensor().sum();
        });
        assertThrows(IndexOutOfBoundsException.class, () -> step.run(device.tensor(new int[] {0, -1})));
        assertArrayEquals(new float[] {1, 2}, p.tensor().toFloatArray());
        assertArrayEquals(new float[] {3, 4}, q.tensor().toFloatArray());
    }

    /** What was asked for is named, not what it is made of, also where only its gradient runs. */
    @Test
    void anIndexErrorNamesTheOperationThatWasAskedFor() {
        for (String name : List.of("cpu", "reference")) {
            try (Device device = Device.open(name)) {
                Tensor table = device.tensor(new float[] {1, 2, 3, 4, 5, 6}, new long[] {3, 2});
                Tensor indices = device.tensor(new long[] {0, 3});
                Step values = Step.compile(device, (x, i) -> x.embedding(i));
                Step gradients = Step.compile(device, (x, i) -> x.embedding(i).sum().gradient(x));
                List<Executable> runs = List.of(() -> table.embedding(indices).toFloatArray(),
                    () -> values.run(table, indices), () -> gradients.run(table, indices));
                for (Executable run : runs) {
                    String message = assertThrows(IndexOutOfBoundsException.class, run).getMessage();
                    assertTrue(message.startsWith("embedding: index 3"), message);
                }
            }
        }
    }
}
