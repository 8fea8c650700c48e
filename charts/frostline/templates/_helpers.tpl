{{- define "frostline.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Release and chart name, once when the one contains the other; at most 52 characters, so that suffixes fit into 63. */}}
{{- define "frostline.fullname" -}}
{{- $name := include "frostline.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "frostline.operator.name" -}}
{{- printf "%s-operator" (include "frostline.fullname" .) -}}
{{- end -}}

{{- define "frostline.operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "frostline.operator.name" .) -}}
{{- end -}}

{{/* The webhook's: the operator is told the same names. */}}
{{- define "frostline.webhook.name" -}}
{{- printf "%s-webhook" (include "frostline.fullname" .) -}}
{{- end -}}

{{- define "frostline.webhook.serviceAccountName" -}}
{{- .Values.webhook.serviceAccountName | default (include "frostline.webhook.name" .) -}}
{{- end -}}

{{- define "frostline.webhook.selectorLabels" -}}
app.kubernetes.io/name: {{ include "frostline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "frostline.webhook.labels" -}}
{{ include "frostline.labels" . }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "frostline.webhook.secretName" -}}
{{- printf "%s-webhook-tls" (include "frostline.fullname" .) -}}
{{- end -}}

{{/* Not empty where cert-manager keeps the webhook's certificate. */}}
{{- define "frostline.webhook.certManager" -}}
{{- if and (gt (int .Values.webhook.replicas) 0) .Values.webhook.certManager.issuerRef.name -}}
true
{{- end -}}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "frostline.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "frostline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: frostline
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* What the Deployment's immutable selector and the Service select; never add a label that an upgrade may change. */}}
{{- define "frostline.operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "frostline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "frostline.operator.labels" -}}
{{ include "frostline.labels" . }}
app.kubernetes.io/component: operator
{{- end -}}

{{/* Not empty where the server has ValidatingAdmissionPolicy in version v1. */}}
{{- define "frostline.admission.served" -}}
{{- if semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version -}}
true
{{- end -}}
{{- end -}}

{{/* Mistakes that a schema cannot tell in a sentence a person can act on. */}}
{{- define "frostline.validate" -}}
{{- $prometheus := .Values.prometheus -}}
{{- if and (not $prometheus.url) (or $prometheus.caSecret.name $prometheus.caConfigMap.name $prometheus.bearerTokenSecret.name $prometheus.basicAuthSecret.name) -}}
{{- fail "prometheus.url is empty and other values of prometheus say how to ask there: set it, for example --set prometheus.url=http://prometheus.monitoring.svc:9090" -}}
{{- end -}}
{{- if regexMatch "^https?://[^/]*@" $prometheus.url -}}
{{- fail "prometheus.url carries credentials, which everybody who may read the Deployment would see: put them into a Secret and name it in prometheus.basicAuthSecret" -}}
{{- end -}}
{{- if and $prometheus.caSecret.name $prometheus.caConfigMap.name -}}
{{- fail (printf "prometheus.caSecret.name is %q and prometheus.caConfigMap.name is %q: the certificate authority comes from one place, leave one of them empty" $prometheus.caSecret.name $prometheus.caConfigMap.name) -}}
{{- end -}}
{{- if and $prometheus.bearerTokenSecret.name $prometheus.basicAuthSecret.name -}}
{{- fail (printf "prometheus.bearerTokenSecret.name is %q and prometheus.basicAuthSecret.name is %q: a request carries one identity, leave one of them empty" $prometheus.bearerTokenSecret.name $prometheus.basicAuthSecret.name) -}}
{{- end -}}
{{- if not (or .Values.serviceAccount.create .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false and serviceAccount.name is empty: name the service account that the operator shall run as" -}}
{{- end -}}
{{- end -}}

{{- /* As what rules are written: off, auto, prometheus-rule or config-map. */}}
{{- define "frostline.rules.form" -}}
{{- .Values.rules.form | default (ternary "auto" "off" (eq .Values.measuring "recorded")) -}}
{{- end }}
{{- define "frostline.rules.namespace" -}}
{{- .Values.rules.namespace | default .Release.Namespace -}}
{{- end }}
