package org.adjoint.bench.suite;

import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;

/** A matrix product as a user gets it: a compiled step whose result is new memory each time. */
final class AdjointGemm implements Contender {
    private final Device device;
    private final Tensor a;
    private final Tensor b;
    private final Step step;
    private final Tensor marker;

    AdjointGemm(GemmCase product, Device device) {
        this.device = device;
        marker = device.tensor(new float[1]).realize();
        a = matrix(product.f64(), product.transposedA(), product.m(), product.k());
        b = matrix(product.f64(), product.transposedB(), product.k(), product.n());
        step = Step.compile(device, (left, right) -> (product.transposedA() ? left.transpose() : left)
            .matmul(product.transposedB() ? right.transpose() : right));
    }

    private Tensor matrix(boolean f64, boolean transposed, int rows, int columns) {
        long[] shape = transposed ? new long[] {columns, rows} : new long[] {rows, columns};
        double[] values = new Random(1).doubles((long) rows * columns, -0.5, 0.5).toArray();
        if (f64) {
            return device.tensor(values, shape);
        }
        float[] narrow = new float[values.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) values[i];
        }
        return device.tensor(narrow, shape);
    }

    @Override
    public void run() {
        step.run(a, b).close();
        // Reading anything waits for what was enqueued before; on the CPU all is done already.
        marker.item();
    }

    @Override
    public void close() {
        step.close();
        device.close();
    }
}
