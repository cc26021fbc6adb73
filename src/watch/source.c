/* What Sigma's `logsource` means for Windows events: a channel is a service, some events of it are categories. */
#include "watch/source.h"

#include <stdlib.h>
#include <strings.h>

static const struct {
	const char *channel, *service;
} channels[] = {
	{ "Security", "security" },
	{ "System", "system" },
	{ "Application", "application" },
	{ "Windows PowerShell", "powershell-classic" },
	{ "Microsoft-Windows-PowerShell/Operational", "powershell" },
	{ "PowerShellCore/Operational", "powershell" },
	{ "Microsoft-Windows-Sysmon/Operational", "sysmon" },
	{ "Microsoft-Windows-TaskScheduler/Operational", "taskscheduler" },
	{ "Microsoft-Windows-WMI-Activity/Operational", "wmi" },
	{ "Microsoft-Windows-Windows Defender/Operational", "windefend" },
	{ "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall", "firewall-as" },
	{ "Microsoft-Windows-Bits-Client/Operational", "bits-client" },
	{ "Microsoft-Windows-CodeIntegrity/Operational", "codeintegrity-operational" },
	{ "Microsoft-Windows-AppXDeploymentServer/Operational", "appxdeployment-server" },
	{ "Microsoft-Windows-AppxPackaging/Operational", "appxpackaging-om" },
	{ "Microsoft-Windows-AppModel-Runtime/Admin", "appmodel-runtime" },
	{ "Microsoft-Windows-DNS-Client/Operational", "dns-client" },
	{ "DNS Server", "dns-server" },
	{ "Microsoft-Windows-DNS-Server/Analytical", "dns-server-analytic" },
	{ "Microsoft-Windows-NTLM/Operational", "ntlm" },
	{ "Microsoft-Windows-PrintService/Admin", "printservice-admin" },
	{ "Microsoft-Windows-PrintService/Operational", "printservice-operational" },
	{ "Microsoft-Windows-SmbClient/Security", "smbclient-security" },
	{ "Microsoft-Windows-SmbClient/Connectivity", "smbclient-connectivity" },
	{ "Microsoft-Windows-SMBServer/Connectivity", "smbserver-connectivity" },
	{ "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational", "terminalservices-localsessionmanager" },
	{ "Microsoft-Windows-DriverFrameworks-UserMode/Operational", "driver-framework" },
	{ "Microsoft-Windows-Shell-Core/Operational", "shell-core" },
	{ "Microsoft-Windows-Diagnosis-Scripted/Operational", "diagnosis-scripted" },
	{ "Microsoft-Windows-CAPI2/Operational", "capi2" },
	{ "Microsoft-Windows-LDAP-Client/Debug", "ldap" },
	{ "Microsoft-Windows-LSA/Operational", "lsa-server" },
	{ "Microsoft-IIS-Configuration/Operational", "iis-configuration" },
	{ "MSExchange Management", "msexchange-management" },
	{ "OpenSSH/Operational", "openssh" },
	{ "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational", "certificateservicesclient-lifecycle-system" },
};

static const struct category {
	const char *service;
	int id;
	const char *category;
} categories[] = {
	{ "sysmon", 1, "process_creation" },
	{ "sysmon", 2, "file_change" },
	{ "sysmon", 3, "network_connection" },
	{ "sysmon", 4, "sysmon_status" },
	{ "sysmon", 5, "process_termination" },
	{ "sysmon", 6, "driver_load" },
	{ "sysmon", 7, "image_load" },
	{ "sysmon", 8, "create_remote_thread" },
	{ "sysmon", 9, "raw_access_thread" },
	{ "sysmon", 10, "process_access" },
	{ "sysmon", 11, "file_event" },
	{ "sysmon", 12, "registry_add" },
	{ "sysmon", 13, "registry_set" },
	{ "sysmon", 14, "registry_rename" },
	{ "sysmon", 15, "create_stream_hash" },
	{ "sysmon", 16, "sysmon_status" },
	{ "sysmon", 17, "pipe_created" },
	{ "sysmon", 18, "pipe_created" },
	{ "sysmon", 19, "wmi_event" },
	{ "sysmon", 20, "wmi_event" },
	{ "sysmon", 21, "wmi_event" },
	{ "sysmon", 22, "dns_query" },
	{ "sysmon", 23, "file_delete" },
	{ "sysmon", 24, "clipboard_capture" },
	{ "sysmon", 25, "process_tampering" },
	{ "sysmon", 26, "file_delete" },
	{ "sysmon", 27, "file_block_executable" },
	{ "sysmon", 28, "file_block_shredding" },
	{ "sysmon", 29, "file_executable_detected" },
	{ "sysmon", 255, "sysmon_error" },
	{ "security", 4688, "process_creation" },
	{ "powershell", 4104, "ps_script" },
	{ "powershell", 4103, "ps_module" },
	{ "powershell-classic", 400, "ps_classic_start" },
	{ "powershell-classic", 600, "ps_classic_provider_start" },
};

enum { CHANNELS = sizeof channels / sizeof *channels, CATEGORIES = sizeof categories / sizeof *categories };

static bool
is(struct slice a, const char *text)
{
	return a.size == strlen(text) && (a.size == 0 || strncasecmp((const char *)a.data, text, a.size) == 0);
}

static const struct category *
find_category(const char *service, struct slice id)
{
	char text[8];
	if (id.size == 0 || id.size >= sizeof text)
		return NULL;
	memcpy(text, id.data, id.size);
	text[id.size] = '\0';
	for (size_t i = 0; i < CATEGORIES; i++)
		if (strcmp(categories[i].service, service) == 0 && categories[i].id == atoi(text))
			return &categories[i];
	return NULL;
}

/* The Security log names the same things otherwise: "Image: NewProcessName". */
static void
add_aliases(struct watch_event *e)
{
	static const char *const names[][2] = { { "NewProcessName", "Image" }, { "ParentProcessName", "ParentImage" },
		                                { "MandatoryLabel", "IntegrityLevel" } };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct watch_value *v = watch_event_find(e, slice_text(names[i][0]));
		if (v && !watch_event_find(e, slice_text(names[i][1])))
			watch_event_add(e, slice_text(names[i][1]), v->text, v->kind);
	}
}

void
watch_event_source(struct watch_event *e)
{
	const struct watch_value *channel = watch_event_find(e, LITERAL("Channel"));
	const struct watch_value *id = watch_event_find(e, LITERAL("EventID"));
	const struct category *category = NULL;
	if (!channel || !id || e->source.product.size)
		return;
	e->source.product = LITERAL("windows");
	for (size_t i = 0; i < CHANNELS && e->source.service.size == 0; i++) {
		if (!is(channel->text, channels[i].channel))
			continue;
		e->source.service = slice_text(channels[i].service);
		category = find_category(channels[i].service, id->text);
	}
	if (!category)
		return;
	e->source.category = slice_text(category->category);
	if (category->id == 4688)
		add_aliases(e);
}

/* registry_event is all of them; Sysmon has one id for keys made and deleted. */
static bool
category_goes_with(struct slice rule, const struct watch_source *event)
{
	if (rule.size == 0 || event->category.size == 0 || slice_equal(rule, event->category))
		return true;
	if (is(rule, "registry_event"))
		return slice_starts(event->category, LITERAL("registry_"));
	return is(rule, "registry_delete") && is(event->service, "sysmon") && is(event->category, "registry_add");
}

static bool
word_goes_with(struct slice rule, struct slice event)
{
	return rule.size == 0 || event.size == 0 || slice_equal(rule, event);
}

bool
source_goes_with(const struct watch_source *rule, const struct watch_source *event)
{
	return word_goes_with(rule->product, event->product) && word_goes_with(rule->service, event->service) &&
	       category_goes_with(rule->category, event);
}
