package org.adjoint.cuda.environment;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.adjoint.Device;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.cuda.emulator.Emulator;

/** A process that computes a little on a device, by way of what users call, and prints what came of it. */
final class EnvironmentChild {
    private EnvironmentChild() { }

    /** Arguments: the folder of the emulator's libraries, and the device's name or nothing for the default one. */
    public static void main(String[] arguments) {
        Emulator emulator = Emulator.use(Path.of(arguments[0]));
        if (Files.exists(emulator.folder().resolve("libnvrtc.so.13"))) {
            emulator.driver(13_000);
        }
        try (Device device = arguments.length > 1 ? Device.open(arguments[1]) : Device.open()) {
            var x = device.tensor(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
            System.out.println("device: " + device.name());
            System.out.println("product: " + Arrays.toString(x.matmul(x.transpose()).toFloatArray()));
            System.out.println("elementwise: " + Arrays.toString(x.mul(x).add(1).toFloatArray()));
            System.out.println("reduction: " + Arrays.toString(x.sum(1).toFloatArray()));
        } catch (DeviceUnavailableException e) {
            System.out.println("unavailable: " + e.getMessage());
            return;
        }
        if (Files.exists(emulator.folder().resolve("libcuda.so.1"))) {
            System.out.println("fault: " + emulator.fault());
            System.out.println("compiled: " + Collections.frequency(emulator.calls(), "nvrtcCompileProgram"));
        }
    }

    /** What a process prints that computed everything right, but for how much it compiled. */
    static final List<String> RIGHT = List.of("device: cuda", "product: [14.0, 32.0, 32.0, 77.0]",
        "elementwise: [2.0, 5.0, 10.0, 17.0, 26.0, 37.0]", "reduction: [6.0, 15.0]", "fault: ");
}
