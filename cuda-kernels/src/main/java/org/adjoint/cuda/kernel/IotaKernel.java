package org.adjoint.cuda.kernel;

import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** 0, 1, 2, ...: {@code iota.cu}. */
public final class IotaKernel {
    private static final int THREADS = 256;
    private static final int EACH = 4;

    private IotaKernel() { }

    public static Prepared prepare(PlanStep.Kernel step) {
        View y = step.outputs().getFirst();
        long count = y.shape().elements();
        if (count == 0) {
            return Prepared.NOTHING;
        }
        return Prepared.of(Launch.of(Source.ofFile("iota.cu", CNames.asT(y.dtype())), "iota_" + CNames.of(y.dtype()),
            Math.ceilDiv(count, (long) THREADS * EACH), THREADS, Argument.of(y), Argument.of(count)));
    }
}
