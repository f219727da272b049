"""Tables of BOINC's database, as far as we use them: columns, types, and the indexes that queries rely on.

What a stock server has besides is left out. Numbers are NOT NULL there too, but have no default: here they
have one, so that a test names only what matters to it.
"""

_TEXTS = {"name": "VARCHAR(191)", "user_friendly_name": "VARCHAR(254)", "result_template_file": "VARCHAR(63)"}
_NUMBERS = {
    "platform": "create_time deprecated",
    "app": "create_time min_version deprecated target_nresults n_size_classes",
    "app_version": "create_time appid version_num platformid deprecated",
    "host": "create_time userid rpc_seqno rpc_time p_ncpus",
    "user": "create_time teamid",
    "workunit": """
        create_time appid batch need_validate canonical_resultid transition_time delay_bound error_mask
        file_delete_state assimilate_state hr_class min_quorum target_nresults max_error_results
        max_total_results max_success_results priority app_version_id transitioner_flags size_class
        app_version_num
    """,
    "result": """
        create_time workunitid server_state outcome client_state hostid userid report_deadline sent_time
        received_time batch file_delete_state validate_state random app_version_num appid exit_status teamid
        priority app_version_id size_class
    """,
    "batch": "user_id create_time njobs nerror_jobs state app_id project_state",
    "job_file": "",
}
_DOUBLES = {
    "workunit": "rsc_fpops_est rsc_fpops_bound rsc_memory_bound rsc_disk_bound canonical_credit opaque",
    "result": "cpu_time claimed_credit granted_credit opaque elapsed_time flops_estimate",
    "batch": "logical_start_time logical_end_time fraction_done completion_time expire_time",
    "job_file": "create_time delete_time",
}
_OTHERS = {
    "platform": "name user_friendly_name",
    "app": "name user_friendly_name",
    "app_version": "plan_class:VARCHAR(128) xml_doc:MEDIUMBLOB",
    "host": "domain_name:VARCHAR(254) host_cpid:VARCHAR(254) os_name:VARCHAR(254)",
    "user": "name email_addr:VARCHAR(191) authenticator:VARCHAR(191)",
    "workunit": "name result_template_file keywords:VARCHAR(254) xml_doc:BLOB",
    "result": "name xml_doc_in:BLOB xml_doc_out:BLOB stderr_out:BLOB",
    "batch": "name:VARCHAR(255) description:VARCHAR(255)",
    "job_file": "name",
}
_INDEXES = {
    "platform": "UNIQUE (name)",
    "app": "UNIQUE (name)",
    "app_version": "UNIQUE apvp (appid, platformid, version_num, plan_class)",
    "host": "INDEX host_userid_cpid (userid, host_cpid)",
    "user": "UNIQUE (email_addr), UNIQUE (authenticator), UNIQUE (name)",
    "workunit": """
        UNIQUE (name), INDEX wu_val (appid, need_validate), INDEX wu_timeout (transition_time), INDEX
        wu_filedel (file_delete_state), INDEX wu_assim (appid, assimilate_state), INDEX wu_batch (batch)
    """,
    "result": """
        UNIQUE (name), INDEX res_wuid (workunitid), INDEX ind_res_st (server_state, priority), INDEX
        res_app_state (appid, server_state), INDEX res_filedel (file_delete_state), INDEX res_userid_id
        (userid, id DESC), INDEX res_userid_val (userid, validate_state), INDEX res_hostid_id (hostid, id
        DESC), INDEX res_batch (batch)
    """,
    "batch": "",
    "job_file": "UNIQUE jf_name (name)",
}


def _column(words: str) -> str:
    name, _, kind = words.partition(":")
    kind = kind or _TEXTS[name]
    # A blob may be NULL, as on a stock server.
    return f"{name} {kind}" if kind.endswith("BLOB") else f"{name} {kind} NOT NULL DEFAULT ''"


def _create(table: str) -> str:
    columns = [f"{name} INT NOT NULL DEFAULT 0" for name in _NUMBERS[table].split()]
    columns += [f"{name} DOUBLE NOT NULL DEFAULT 0" for name in _DOUBLES.get(table, "").split()]
    columns += [_column(words) for words in _OTHERS[table].split()]
    if table in ("workunit", "result"):
        columns.append("mod_time TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")
    columns += filter(None, [_INDEXES[table]])
    columns.insert(0, "id INT NOT NULL AUTO_INCREMENT PRIMARY KEY")
    return f"CREATE TABLE {table} ({', '.join(columns)}) ENGINE=InnoDB"


TABLES = [_create(table) for table in _NUMBERS]
