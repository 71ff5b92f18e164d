package org.adjoint.bench.bundle;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.bench.verify.Part;
import org.adjoint.bench.verify.Parts;

/** The kernels of everything that is verified, compiled for a card that is elsewhere. */
final class Cubins {
    private Cubins() { }

    /**
     * Runs the verification on a device that compiles and does not compute; needs NVRTC and no card.
     *
     * @param folder that the kernels go to, beside those for other cards
     */
    static void compile(Path folder, int architecture, PrintWriter err) {
        try (Device device = Device.open("cuda-compile", Map.of("folder", folder.toString(), "architecture",
            Integer.toString(architecture)))) {
            err.println(device);
            for (Part part : Parts.onDevice(() -> device)) {
                for (var item : part.items()) {
                    try {
                        item.check().run();
                    } catch (Exception | AssertionError e) {
                        // All tensors are zero there, so hardly anything passes: only what was compiled counts.
                        continue;
                    }
                }
                err.println("  " + part.name() + " compiled");
                err.flush();
            }
        }
    }
}
