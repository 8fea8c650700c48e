{{/* Parts of the admission policies that keep a freeze from being undone by hand; all of it is CEL. */}}

{{- define "frostline.guard.metadata" -}}
name: {{ .name }}
labels:
  {{- include "frostline.labels" .root | nindent 2 }}
{{- end -}}

{{/* A binding without parameter, named as its policy. */}}
{{- define "frostline.guard.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  {{- include "frostline.guard.metadata" . | nindent 2 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny, Audit]
{{- end -}}

{{- define "frostline.guard.bypass" -}}
'frostline:bypass' in request.userInfo.?groups.orValue([])
{{- end -}}

{{/* The operator, and those that the values name. */}}
{{- define "frostline.guard.writer" -}}
{{- $operator := printf "system:serviceaccount:%s:%s" .Release.Namespace (include "frostline.operator.serviceAccountName" .) -}}
request.userInfo.username in {{ prepend .Values.admission.writers $operator | toJson | replace "\"" "'" }}
{{- end -}}

{{/* Who deletes for the cluster itself: what a namespace or an owner takes along. */}}
{{- define "frostline.guard.collector" -}}
request.operation == 'DELETE' && request.userInfo.username in ['system:serviceaccount:kube-system:namespace-controller', 'system:serviceaccount:kube-system:generic-garbage-collector', 'system:kube-controller-manager']
{{- end -}}

{{- define "frostline.guard.terminating" -}}
namespaceObject != null && has(namespaceObject.metadata.deletionTimestamp)
{{- end -}}

{{/* The end of every message. */}}
{{- define "frostline.guard.how" -}}
'. Whoever may impersonate the group frostline:bypass passes: kubectl --as=' + request.userInfo.username + ' --as-group=frostline:bypass'
{{- end -}}
