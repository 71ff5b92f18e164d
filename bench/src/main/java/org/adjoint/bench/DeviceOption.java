package org.adjoint.bench;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.adjoint.Device;
import org.adjoint.backend.DeviceReport;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code --device NAME} and {@code --threads N}. */
public final class DeviceOption {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--device", paramLabel = "NAME",
            description = "Where to compute: cpu, cuda, cuda:1 or reference; by default the best usable one "
                    + "(see adjoint devices).")
    private String name;

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads of the CPU device, as many as there are processors by default; the results do not "
                    + "depend on it.")
    private Integer threads;

    /**
     * Refuses what no machine could open.
     *
     * @throws ParameterException for an unknown kind of device or a number of threads below one
     */
    public void check() {
        if (threads != null && threads < 1) {
            throw new ParameterException(command.commandLine(), "--threads must be at least 1 but is " + threads);
        }
        if (name == null) {
            return;
        }
        List<String> kinds = Device.list().stream().map(report -> kind(report.name())).distinct().toList();
        if (!kinds.contains(kind(name))) {
            Optional<String> nearest = Nearest.of(kind(name), kinds);
            throw new ParameterException(command.commandLine(), "unknown device '" + name + "', "
                    + nearest.map(it -> "did you mean '" + it + "'?").orElse("one of " + String.join(", ", kinds)));
        }
        if (!name.matches("[a-z]+(:\\d{1,6})?")) {
            throw new ParameterException(command.commandLine(),
                    "--device '" + name + "': what follows the colon must be a number");
        }
        if (threads != null && !kind(name).equals("cpu")) {
            throw new ParameterException(command.commandLine(), "--threads is for the device cpu, not for " + name);
        }
    }

    private static String kind(String device) {
        return device.contains(":") ? device.substring(0, device.indexOf(':')) : device;
    }

    /** Opens what was asked for, or the best usable device; what can't be opened is an error that says why. */
    public Device open() {
        if (threads == null) {
            return name == null ? Device.open() : Device.open(name);
        }
        Optional<String> best = Device.list().stream().filter(DeviceReport::usable).map(DeviceReport::name).findFirst();
        if (name == null && best.isPresent() && !best.get().equals("cpu")) {
            return Device.open();
        }
        return Device.open("cpu", Map.of("threads", threads.toString()));
    }
}
