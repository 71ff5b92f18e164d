package org.adjoint.parity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.parity.Torch.Outcome;
import org.bytedeco.pytorch.CompilationUnit;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Cases of a row, each in f64 and f32. PyTorch's f64 is the truth: ours in f64 may differ by 1e-10 in norm; ours in f32
 * by the row's bound and by four times PyTorch's own error in f32, which counts as half an epsilon where it is less: a
 * library whose result happens to be exact sets no measure.
 */
final class RowRun {
    private static final double EPSILON = 0x1p-23;
    private static final double F64_BOUND = 1e-10;
    private static final double MOST_TIMES_PYTORCH = 4;

    private final Row row;
    private final Device device;
    private final List<String> failures = new ArrayList<>();
    private int cases;

    RowRun(Row row, Device device) {
        this.row = row;
        this.device = device;
    }

    /** Runs case number {@code index}, which is the same in every run. */
    void run(int index) {
        Draw draw = new Draw(31L * row.name().hashCode() + index);
        Case sample = row.draw().apply(draw);
        cases++;
        try (CompilationUnit unit = Torch.compile(sample.torch(), sample.arguments().size())) {
            compare(index, sample, unit, draw);
        } catch (RuntimeException e) {
            failures.add(row.name() + " case " + index + ": " + sample + ": " + String.valueOf(e.getMessage()).strip());
        }
    }

    private void compare(int index, Case sample, CompilationUnit unit, Draw draw) {
        String what = row.name() + " case " + index + ": " + sample;
        Outcome shape = Torch.run(unit, sample.arguments(), ScalarType.Double, null);
        double[] cotangent = row.differentiable() ? draw.normal(shape.values().length) : null;
        Outcome truth = Torch.run(unit, sample.arguments(), ScalarType.Double, cotangent);
        Outcome theirs = Torch.run(unit, sample.arguments(), ScalarType.Float, cotangent);
        Outcome f64 = ours(sample, DType.F64, cotangent);
        Outcome f32 = ours(sample, DType.F32, cotangent);
        if (!f64.shape().equals(truth.shape())) {
            failures.add(what + ": our shape " + f64.shape() + ", PyTorch's " + truth.shape());
            return;
        }
        double arguments = row.cancels() ? sample.arguments().stream().filter(Argument::isFloating)
            .mapToDouble(x -> norm(x.values())).sum() : 0;
        check(what + ": result", f64.values(), f32.values(), theirs.values(), truth.values(), arguments, row.bound());
        for (int i = 0; i < truth.gradients().size(); i++) {
            double scale = row.cancels() ? arguments + norm(cotangent) : 0;
            check(what + ": gradient " + i, f64.gradients().get(i), f32.gradients().get(i), theirs.gradients().get(i),
                truth.gradients().get(i), scale, row.gradientBound());
        }
    }

    private void check(String what, double[] f64, double[] f32, double[] theirs, double[] truth, double scale,
        double bound) {
        double size = Math.max(norm(truth), scale);
        double exact = distance(f64, truth, size);
        double our = distance(f32, truth, size) / EPSILON;
        double their = distance(theirs, truth, size) / EPSILON;
        if (!(exact <= F64_BOUND)) {
            failures.add(what + " in f64 is off by " + exact);
        }
        if (!(our <= Math.min(bound, MOST_TIMES_PYTORCH * Math.max(their, 0.5)))) {
            failures.add(what + " in f32 is off by " + our + " epsilons, PyTorch's by " + their + ", the bound is "
                + bound);
        }
    }

    private Outcome ours(Case sample, DType dtype, double[] cotangent) {
        try (var scope = device.scope()) {
            Tensor[] arguments = sample.arguments().stream().map(x -> x.ours(device, dtype)).toArray(Tensor[]::new);
            Tensor result = sample.ours().apply(arguments);
            List<double[]> gradients = new ArrayList<>();
            if (cotangent != null) {
                List<Tensor> sources = Arrays.stream(arguments).filter(x -> x.dtype().isFloating()).toList();
                Tensor dy = device.tensor(cotangent, result.shape()).to(result.dtype());
                result.pullback(dy, sources).forEach(gradient -> gradients.add(gradient.toDoubleArray()));
            }
            double[] values = result.dtype().isFloating() ? result.toDoubleArray()
                : Arrays.stream(result.to(DType.I64).toLongArray()).asDoubleStream().toArray();
            return new Outcome(result.shape(), values, gradients);
        }
    }

    /** Equal infinities and NaN agree; others do not. */
    private static double distance(double[] a, double[] b, double size) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            double difference = Double.compare(a[i], b[i]) == 0 ? 0 : a[i] - b[i];
            sum += difference * difference;
        }
        return sum == 0 ? 0 : Math.sqrt(sum) / size;
    }

    private static double norm(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(v -> v * v).sum());
    }

    int cases() {
        return cases;
    }

    List<String> failures() {
        return failures;
    }
}
