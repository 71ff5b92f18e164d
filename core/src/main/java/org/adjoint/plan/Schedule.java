package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Puts tasks in order: as the program has them, but those that write into leaves alone, such as the updates of an
 * optimizer, as soon as they can run, because what they read can be freed then.
 */
final class Schedule {
    private Schedule() { }

    static List<Task> order(List<Task> tasks) {
        Map<Task, Integer> waiting = new HashMap<>();
        PriorityQueue<Task> ready = new PriorityQueue<>(Comparator.comparing((Task task) -> !onlyFrees(task))
            .thenComparingInt(Task::birth));
        for (Task task : tasks) {
            waiting.put(task, task.before.size());
            if (task.before.isEmpty()) {
                ready.add(task);
            }
        }
        List<Task> order = new ArrayList<>();
        while (!ready.isEmpty()) {
            Task task = ready.poll();
            task.position = order.size();
            order.add(task);
            for (Task next : task.after) {
                if (waiting.merge(next, -1, Integer::sum) == 0) {
                    ready.add(next);
                }
            }
        }
        if (order.size() != tasks.size()) {
            throw new IllegalStateException("the plan has a cycle: " + (tasks.size() - order.size()) + " of "
                + tasks.size() + " steps wait for each other");
        }
        return order;
    }

    private static boolean onlyFrees(Task task) {
        return task.outputs().stream().noneMatch(output -> output.home == Value.ARENA);
    }
}
