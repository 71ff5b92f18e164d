package org.adjoint.bench.verify;

import java.util.List;
import java.util.function.Supplier;
import org.adjoint.Device;

/** All parts of the verification, in their order. */
public final class Parts {
    private Parts() { }

    /** Those that run in this process. */
    public static List<Part> onDevice(Supplier<Device> device) {
        return List.of(ContractPart.kernels(device), ContractPart.gradients(device),
            new TrainingPart(device, TrainingPart.DEFAULT), ThreadsPart.of(device), new SpeedPart(device));
    }
}
