"""Which tests execute each sentence of docs/own-firmware.md, by words that only this sentence or comment has.

The tests are below tests_unit, each as its file and its name.
"""

from __future__ import annotations

OWN = "docs/test_own_repository.py"
RUNNING = "docs/test_running_board.py"
LINES = "docs/test_console_lines.py"
COMMANDS = "docs/test_commands.py"
REFUSED = "docs/test_refused.py"
LEFT_OUT_ROWS = "docs/test_left_out_rows.py"
DEPLOY = "deploy/test_on_virtual_board.py"
TRANSFER = "deploy/test_transfer.py"
PRODUCTION = f"{OWN}::test_the_lines_of_the_page_are_tested_and_put_into_production"
PASSED = f"{OWN}::test_a_cors_object_is_passed_and_settings_are_options"
WIFI = f"{LINES}::test_each_line_about_wifi_makes_its_error"
OFF = f"{LINES}::test_an_agent_that_cannot_work_ends_the_run_with_its_reason"
TOKEN = "bringup/test_unchanged.py::test_a_token_that_is_given_is_used_and_one_that_is_lost_is_replaced"

Table = dict[str, tuple[str, ...]]

SETTINGS: Table = {
    "adds the options and fixtures to pytest in any repository": (
        "packaging/test_wheel.py::test_a_foreign_repository_tests_the_virtual_board",
    ),
    "beside your tests, or pass the same as options": (
        PRODUCTION,
        PASSED,
        "plugin/test_root_folder.py::test_a_config_file_beside_the_tests_is_found_from_above",
    ),
    "the error names the folder that was probably meant": (
        "deploy/test_folders.py::test_a_folder_that_is_not_the_library_names_the_one_meant",
        "deploy/test_folders.py::test_a_folder_that_is_not_the_application_names_the_one_meant",
    ),
    "are compiled to `.mpy`, for the version and the processor": (
        f"{DEPLOY}::test_boot_and_main_stay_source_and_main_comes_last",
        f"{DEPLOY}::test_bytecode_is_built_for_the_boards_version",
        f"{DEPLOY}::test_native_code_is_built_for_the_boards_architecture",
    ),
    "Microdot itself comes from the pinned package": (
        f"{DEPLOY}::test_the_library_under_test_replaces_the_pinned_one",
    ),
}

APPLICATION: Table = {
    "Read Wi-Fi settings and port from": (
        f"{RUNNING}::test_the_settings_of_the_rig_are_merged_into_the_applications",
        PRODUCTION,
    ),
    "folder is merged into it": (f"{RUNNING}::test_the_settings_of_the_rig_are_merged_into_the_applications",),
    "alone or behind one word and a colon": (
        f"{LINES}::test_the_line_of_the_server_alone_or_behind_a_word",
        f"{LINES}::test_a_line_with_two_words_in_front_is_quoted",
        PRODUCTION,
        PASSED,
    ),
    "attach the rig's agent where it is present": (PRODUCTION,),
    "A CORS object that is kept elsewhere is passed": (PASSED,),
    "nothing else of camrig": (
        PRODUCTION,
        "device/test_agent.py::test_the_agent_imports_micropython_and_microdot_alone",
    ),
    "also when one of its own imports fails": (
        OFF,
        f"{LINES}::test_a_board_without_a_reason_is_not_called_off",
        "bringup/test_bad_boards.py::test_an_agent_that_is_attached_wrongly_says_so",
    ),
    "Optional lines make errors clearer": (WIFI,),
    "A camera that is kept as `app.sensor`": (
        "probe/test_agent.py::test_the_camera_of_any_application_is_read_and_nothing_else",
        "report/test_pictures.py::test_the_same_words_in_terminal_page_and_step_summary",
    ),
    "refuses made-up pictures then": (
        "bringup/test_real_pictures.py::test_a_board_is_refused_once_it_has_booted_and_the_results_say_why",
    ),
    "of camrig does all of this": (
        "device/test_micropython.py::test_prints_the_url_once_it_listens_and_stops_cleanly",
        "device/test_micropython.py::test_board_without_the_agent_serves_the_application",
        "device/test_micropython.py::test_board_that_cannot_serve_prints_the_reason",
        "device/test_wifi.py::test_lasting_failure_is_printed_before_the_timeout",
        "device/test_wifi.py::test_no_status_ends_in_a_timeout",
    ),
}

AGENT: Table = {
    "The agent is deployed by test runs and by `camrig deploy`": (
        f"{DEPLOY}::test_the_agent_is_deployed_only_on_request",
        f"{COMMANDS}::test_a_deploy_by_hand_has_the_agent_unless_for_production",
    ),
    "On a 32-bit board it takes": ("device/test_agent_size.py::test_the_agent_takes_little_of_the_heap",),
    "It answers only under `/rig/`": (
        f"{RUNNING}::test_the_agent_answers_below_rig_and_echo_alone_without_a_token",
        "device/test_agent.py::test_routes_require_the_token",
        "device/test_agent.py::test_echo_needs_no_token_and_no_cors",
    ),
    "removes the agent": (PRODUCTION, f"{DEPLOY}::test_a_production_deploy_has_no_agent_and_serves"),
    "A request with the header": (
        f"{RUNNING}::test_the_timing_header_is_answered_and_nothing_else_is_changed",
        "device/test_agent.py::test_request_with_the_timing_header_is_timed",
    ),
    "so that TCP alone can be timed": (
        f"{RUNNING}::test_the_port_after_the_servers_sends_back_what_it_receives",
        "probe/test_sampling.py::test_tcp_echo_is_timed",
    ),
    "If only the HTTP port is forwarded": (f"{COMMANDS}::test_a_forwarded_port_is_measured_without_the_echo",),
}

JUDGED: Table = {
    "are laid over each other on the board": (
        "deploy/test_layers.py::test_refused_is_exactly_what_an_import_would_not_find",
        "deploy/test_layers.py::test_other_names_are_deployed_beside_the_library",
    ),
    "may replace the one of the pinned Microdot": (
        f"{REFUSED}::test_what_is_refused_names_both",
        "deploy/test_layers.py::test_no_other_spelling_of_the_library_is_deployed_beside_it",
        "bringup/test_bad_folders.py::test_every_command_refuses_an_application_with_a_microdot_of_its_own",
    ),
    "The library may lie in the application's folder": (
        "deploy/test_folders.py::test_the_library_may_lie_in_the_applications_folder",
        f"{COMMANDS}::test_a_library_may_lie_in_the_applications_folder",
    ),
    "An application may add modules to Microdot's package": (
        "deploy/test_contents.py::test_an_application_may_bring_an_extension_of_its_own_and_no_core",
        "deploy/test_contents.py::test_a_link_within_the_repository_is_deployed_and_no_other",
        "deploy/test_folders.py::test_what_the_links_of_an_application_lead_to_is_deployed",
    ),
    "A deploy ends with hashes of all files that the board computes": (
        f"{TRANSFER}::test_a_transfer_with_a_damaged_byte_is_repeated",
        f"{TRANSFER}::test_a_line_that_always_damages_is_reported",
    ),
    "compute the SHA-256 of the library's modules once more": (
        "bringup/test_deployed_library.py::test_the_hash_of_the_library_is_that_of_the_file_on_the_board",
        "bringup/test_deployed_library.py::test_a_library_that_is_another_one_on_the_board_is_an_error",
        "bringup/test_unchanged.py::test_an_unchanged_run_sends_nothing_and_asks_once",
    ),
    "must be an object of its class `CORS`": (
        "bringup/test_deployed_library.py::test_an_application_that_answers_with_another_cors_is_an_error",
        "bringup/test_deployed_library.py::test_a_subclass_of_the_librarys_cors_is_fine",
    ),
    "A library that is edited during a run ends the run": (
        "bringup/test_deployed_library.py::test_a_library_that_changes_during_a_run_is_an_error",
    ),
    "The header of a run names all that is in force": (
        PRODUCTION,
        "bringup/test_in_force.py::test_a_change_of_a_file_changes_one_hash",
    ),
    "print the same lines": (f"{COMMANDS}::test_commands_print_the_lines_of_the_header",),
}

DEPLOYED: Table = {
    "Every file of the application is deployed": (
        PRODUCTION,
        f"{DEPLOY}::test_static_files_are_served_as_they_are_and_what_stays_behind_is_said",
        "deploy/test_left_out.py::test_every_other_file_is_deployed_in_its_place",
    ),
    "Of the library only modules are": (
        "deploy/test_left_out.py::test_data_in_the_library_is_left_out_unless_it_is_the_applications",
    ),
    "Of Microdot, `__init__`, `microdot` and `cors` are": (
        "deploy/test_contents.py::test_an_extension_of_microdot_is_deployed_where_it_is_imported",
        "deploy/test_contents.py::test_the_librarys_own_imports_count",
        "deploy/test_imports.py::test_every_form_is_seen_in_every_place",
    ),
    "If it needs a package that is nowhere": (
        "bringup/test_in_force.py::test_what_is_left_out_and_what_is_missing_has_a_line",
    ),
    "the names in the bytecode decide": ("deploy/test_imports.py::test_the_names_in_bytecode_may_be_imports",),
    "Left out are, in every folder": (f"{LEFT_OUT_ROWS}::test_every_name_of_a_row_is_left_out_for_its_reason",),
    "sums up what is left out and why": (
        f"{LEFT_OUT_ROWS}::test_a_dry_run_lists_each_and_a_header_sums_up_all_but_caches",
    ),
    "A table in `camrig.toml` changes it": (PRODUCTION,),
    "The patterns are like those of `.gitignore`": (
        "deploy/test_patterns.py::test_a_pattern_matches",
        "deploy/test_patterns.py::test_a_pattern_matches_what_git_ignores_by_it",
    ),
    "reaches only a pattern that names them": (
        "deploy/test_patterns.py::test_only_a_pattern_that_names_a_folder_reaches_into_it",
        "deploy/test_left_out.py::test_an_include_of_one_file_leaves_the_rest_of_its_folder",
    ),
    "Below an included folder": (
        PRODUCTION,
        "deploy/test_left_out.py::test_below_an_included_folder_other_reasons_count",
    ),
    "`mount` puts a file or a folder": (
        PRODUCTION,
        "deploy/test_contents.py::test_a_mount_puts_a_file_or_a_folder_elsewhere",
        "settings/test_deploy_table.py::test_paths_are_relative_to_the_config_file",
    ),
    "is left out of a mounted folder too": (PRODUCTION,),
    "A pattern that matches nothing, a mount": (
        f"{COMMANDS}::test_what_a_table_may_not_say_ends_before_a_board_is_sought",
    ),
    "A name that is not UTF-8": (
        f"{COMMANDS}::test_a_name_that_no_board_can_hold_blocks",
        f"{COMMANDS}::test_a_name_that_fat_cannot_hold_blocks",
        f"{COMMANDS}::test_names_are_looked_at_before_anything_is_changed",
    ),
    "Scripts that nobody imports are deployed": (
        f"{RUNNING}::test_scripts_that_nobody_imports_are_there_and_never_run",
        "deploy/test_import_heap.py::test_what_main_and_boot_do_not_reach_is_not_imported",
    ),
    "is counted as a part of it": (
        "deploy/test_import_heap.py::test_what_main_and_boot_do_not_reach_is_not_imported",
    ),
}

ON_THE_BOARD: Table = {
    "What was built from a source is kept in the cache folder": (
        "deploy/test_build_cache.py::test_the_folder_is_that_of_caches",
        "deploy/test_build_cache.py::test_the_oldest_half_goes_when_there_are_too_many",
        "deploy/test_build_cache.py::test_the_check_of_the_source_has_built_it_for_every_architecture",
    ),
    "The folder may be deleted": (
        "deploy/test_build_cache.py::test_a_folder_that_cannot_be_made_costs_only_time",
        "deploy/test_build_cache.py::test_a_damaged_entry_is_built_again",
    ),
    "make the board's files equal to library, application and agent": (
        f"{TRANSFER}::test_a_deploy_puts_its_files_in_place_and_leaves_others_alone",
        f"{TRANSFER}::test_a_line_that_always_damages_is_reported",
        "deploy/test_plan.py::test_one_application_replaces_another_and_spares_foreign_files",
    ),
    "They send only what changed": (
        f"{DEPLOY}::test_deploying_twice_sends_only_what_changed",
        f"{TRANSFER}::test_files_of_an_earlier_deploy_and_their_folders_are_removed",
    ),
    "whenever power fails": (
        "deploy/test_power_cuts.py::test_a_power_cut_in_a_flash_write_leaves_a_whole_application",
        "deploy/test_power_cuts.py::test_a_power_cut_during_the_transfer_leaves_the_old_application",
        "deploy/test_fat.py::test_a_power_cut_on_fat_leaves_the_old_or_the_new_application",
    ),
    "For that, `/boot.py` belongs to the rig": (
        f"{RUNNING}::test_boot_py_is_the_rigs_and_runs_the_applications",
        "deploy/test_unfinished.py::test_after_a_power_cut",
    ),
    "it is moved there and still runs": (
        f"{TRANSFER}::test_foreign_boot_code_still_runs_after_deploys",
        "deploy/test_plan.py::test_foreign_boot_code_is_kept_or_replaced_by_the_applications",
    ),
    "also holds the list of the files that the rig wrote": (
        f"{RUNNING}::test_the_list_of_written_files_is_kept_on_the_board",
    ),
    "flash must have room for the changed files twice": (
        "deploy/test_plan.py::test_the_flash_that_a_deploy_needs",
        f"{TRANSFER}::test_a_full_flash_is_reported_before_anything_is_written",
    ),
    "asks the board one question": ("bringup/test_unchanged.py::test_an_unchanged_run_sends_nothing_and_asks_once",),
    "is therefore not a new one in each run": (
        "bringup/test_unchanged.py::test_an_unchanged_run_sends_nothing_and_asks_once",
    ),
    "It is kept beside the board's lock": (
        TOKEN,
        "bringup/test_unchanged.py::test_what_is_kept_can_be_read_by_its_owner_only",
        "lab/test_lock.py::test_without_a_runtime_folder_locks_are_below_the_temporary_one",
    ),
    "How long a command of a deploy may take": (
        f"{TRANSFER}::test_commands_get_time_by_the_size_of_files_and_the_boards_pace",
        "board/test_pace.py::test_what_a_board_has_shown_counts_the_slowest_first",
    ),
    "where no Ctrl-C stops it": (
        "deploy/test_unfinished.py::test_after_a_power_cut",
        "deploy/test_unfinished.py::test_on_a_rung_of_the_recovery_ladder",
        f"{TRANSFER}::test_a_deploy_that_takes_too_long_says_what_the_next_run_does",
    ),
    "It prints how far it is": (
        "board/test_unfinished_deploy.py::test_it_is_over_when_the_board_says_so_or_takes_keys_again",
        "deploy/test_unfinished.py::test_in_the_middle_of_a_program_in_the_raw_repl",
    ),
    "lists what would be sent, removed, kept and left out": (
        PRODUCTION,
        f"{DEPLOY}::test_a_dry_run_lists_and_changes_nothing",
    ),
    "they are sent unchanged": (
        f"{DEPLOY}::test_bytecode_that_the_board_accepts_is_deployed",
        f"{DEPLOY}::test_bytecode_that_the_board_would_refuse_is_an_error",
    ),
}

FIXTURES: Table = {
    "In camrig's own suite": (f"{COMMANDS}::test_the_suite_runs_functional_tests_alone_or_first",),
    "changes the list that is there": (f"{RUNNING}::test_a_list_is_changed_in_place",),
    "runs Python on the board": (f"{RUNNING}::test_python_runs_on_the_board_where_app_is_the_application",),
    "The report of a failed test shows the board's console": (
        "plugin/test_crash_reports.py::test_each_board_shows_its_own_console",
        f"{COMMANDS}::test_a_failed_comparison_shows_policy_request_and_response",
    ),
    "Below everything else one line for each cause": (
        "plugin/test_causes.py::test_causes_are_the_last_thing_that_a_run_prints",
    ),
    "A test whose board is missing or broken": (
        "plugin/test_attribution.py::test_a_board_that_stays_broken_blocks_the_rest_with_the_first_cause",
        "bringup/test_bad_boards.py::test_a_missing_port_blocks",
    ),
}

COMMENTS: Table = {
    "its microdot/cors.py replaces Microdot's own": (
        PRODUCTION,
        f"{DEPLOY}::test_the_library_under_test_replaces_the_pinned_one",
    ),
    "has main.py, and boot.py if you need one": (
        PRODUCTION,
        f"{COMMANDS}::test_an_application_needs_main_and_no_boot",
    ),
    "a production board": (PRODUCTION,),
    "deployed although left out by default": (
        PRODUCTION,
        "deploy/test_left_out.py::test_include_brings_back_a_file_a_folder_or_all",
    ),
    "merged into /camrig.json, over the application's own": (
        f"{RUNNING}::test_the_settings_of_the_rig_are_merged_into_the_applications",
        "settings/test_deploy_table.py::test_settings_of_the_application_are_taken_as_they_are",
    ),
    "exclude wins over include": ("deploy/test_left_out.py::test_include_brings_back_a_file_a_folder_or_all",),
}

SENTENCES: Table = {**SETTINGS, **APPLICATION, **AGENT, **JUDGED, **DEPLOYED, **ON_THE_BOARD, **FIXTURES, **COMMENTS}
